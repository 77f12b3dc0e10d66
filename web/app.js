// The page: sign in, list conversations, read, write. Everything shown is set as text, never as markup.
import { Socket } from '/socket.js';

const $ = id => document.getElementById(id);
const HISTORY_PAGE = 100;
const state = { token: null, me: null, socket: null, threads: new Map(), open: null, lastSeq: 0, waiting: new Map() };

// ---- signing in -----------------------------------------------------------------------------------------------------------

async function start() {
  const { people } = await (await fetch('/demo/people')).json();
  $('sign-in-hint').hidden = people.length === 0;
  $('people').replaceChildren(...people.map(person => button(`I am ${person.name}`, () => demoSignIn(person.id))));
  const kept = sessionStorage.getItem('token');
  if (kept) enter(kept);
}

async function demoSignIn(id) {
  const answer = await (await fetch(`/demo/sign-in/${id}`, { method: 'POST' })).json();
  enter(answer.token);
}

function enter(token) {
  try {
    const claims = JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(token.split('.')[1].replace(/-/g, '+').replace(/_/g, '/')), c => c.charCodeAt(0))));
    state.me = { id: claims.id ?? claims.sub, name: claims.name ?? claims.id ?? claims.sub };
  } catch {
    $('sign-in-error').textContent = 'That is not a token.';
    return;
  }
  state.token = token;
  sessionStorage.setItem('token', token);
  $('me').textContent = state.me.name;
  $('sign-in').hidden = true;
  $('chat').hidden = false;
  connect();
}

function leave(reason = '') {
  sessionStorage.removeItem('token');
  state.socket?.close();
  $('sign-in-error').textContent = reason;
  $('chat').hidden = true;
  $('sign-in').hidden = false;
}

// ---- the socket -----------------------------------------------------------------------------------------------------------

function connect() {
  const socket = state.socket = new Socket(state.token);
  socket.addEventListener('connect', async ({ detail }) => {
    connection('up', detail.recovered ? 'connected (nothing missed)' : 'connected');
    // A session that was not recovered may have missed something: the store has it.
    if (!detail.recovered) { await loadThreads(); if (state.open) await catchUp(); }
    resend();
  });
  socket.addEventListener('disconnect', () => connection('down', 'connection lost, trying again …'));
  socket.addEventListener('refused', ({ detail }) => leave(detail.message));
  socket.addEventListener('message:received', ({ detail }) => received(detail.message));
  socket.addEventListener('thread:created', () => loadThreads());
}

function connection(kind, text) {
  $('connection').className = kind;
  $('connection').textContent = text;
}

// ---- conversations --------------------------------------------------------------------------------------------------------

async function api(path, options = {}) {
  const headers = { Authorization: `Bearer ${state.token}`, ...(options.body && { 'Content-Type': 'application/json' }) };
  const answer = await (await fetch(`/api/v2/messages${path}`, { ...options, headers })).json();
  if (!answer.success) throw new Error(answer.error);
  return answer;
}

async function loadThreads() {
  const { threads } = await api('/threads');
  state.threads = new Map(threads.map(thread => [thread._id, thread]));
  drawThreads();
}

function drawThreads() {
  $('threads').replaceChildren(...[...state.threads.values()].map(thread => {
    const item = document.createElement('li');
    const open = button('', () => openThread(thread._id));
    open.setAttribute('aria-current', String(thread._id === state.open));
    open.append(text('span', others(thread)));
    if (thread.unreadCount && thread._id !== state.open) open.append(text('span', thread.unreadCount, 'unread'));
    open.append(text('span', thread.lastMessage?.content ?? 'No messages yet', 'preview'));
    item.append(open);
    return item;
  }));
}

const others = thread => thread.participants.filter(id => id !== state.me.id).join(', ');

async function openThread(id) {
  state.open = id;
  state.lastSeq = 0;
  $('messages').replaceChildren();
  $('title').textContent = others(state.threads.get(id));
  $('composer').hidden = false;
  const { messages } = await api(`/${id}?limit=${HISTORY_PAGE}`);
  if (state.open === id) messages.forEach(draw);
  drawThreads();
  $('text').focus();
}

/** Reads what came after the newest message on the page. */
async function catchUp() {
  const id = state.open;
  for (let more = true; more && state.open === id;) {
    const { messages } = await api(`/${id}?after=${state.lastSeq}&limit=${HISTORY_PAGE}`);
    messages.forEach(draw);
    more = messages.length === HISTORY_PAGE;
  }
}

// ---- messages -------------------------------------------------------------------------------------------------------------

function received(message) {
  const thread = state.threads.get(message.threadId);
  if (!thread) return loadThreads();
  thread.lastMessage = message;
  if (message.threadId !== state.open) {
    if (message.senderId !== state.me.id) thread.unreadCount = (thread.unreadCount ?? 0) + 1;
  } else if (message.seq > state.lastSeq + 1) {
    catchUp();
  } else {
    draw(message);
  }
  state.threads = new Map([[thread._id, thread], ...state.threads]);
  drawThreads();
}

/** Shows a message once, in the order of the thread. */
function draw(message) {
  if (message.threadId !== state.open || message.seq <= state.lastSeq) return;
  state.lastSeq = message.seq;
  state.waiting.delete(message.clientMessageId);
  document.querySelector(`[data-key="${CSS.escape(message.clientMessageId ?? '')}"]`)?.remove();
  $('messages').append(bubble(message.senderId, message.content, new Date(message.createdAt).toLocaleTimeString(), message._id));
  $('messages').lastElementChild.scrollIntoView({ block: 'nearest' });
}

function bubble(sender, content, note, id) {
  const item = text('li', content, sender === state.me.id ? 'own' : '');
  if (id) item.dataset.messageId = id;
  item.append(text('small', sender === state.me.id ? note : `${sender}, ${note}`));
  return item;
}

/** Sends with a key of its own, so that sending again after a loss is still one message. */
async function send(threadId, content, key = crypto.randomUUID?.() ?? String(Math.random()).slice(2)) {
  if (!state.waiting.has(key)) {
    const item = bubble(state.me.id, content, 'sending …');
    item.dataset.key = key;
    $('messages').append(item);
    item.scrollIntoView({ block: 'nearest' });
  }
  state.waiting.set(key, { threadId, content });
  try {
    const answer = await state.socket.request('message:send', { threadId, content, clientMessageId: key });
    if (answer.success) return;
    state.waiting.delete(key);
    document.querySelector(`[data-key="${key}"]`)?.remove();
    $('error').textContent = answer.error;
  } catch {
    connection('down', 'waiting for the connection to send …');
  }
}

function resend() {
  for (const [key, { threadId, content }] of state.waiting) send(threadId, content, key);
}

// ---- small things ---------------------------------------------------------------------------------------------------------

function text(tag, content, kind = '') {
  const element = document.createElement(tag);
  element.textContent = content;
  if (kind) element.className = kind;
  return element;
}

function button(label, act) {
  const element = text('button', label);
  element.type = 'button';
  element.onclick = act;
  return element;
}

$('token-form').onsubmit = event => { event.preventDefault(); enter($('token').value.trim()); };
$('sign-out').onclick = () => leave();
$('new-thread').onsubmit = async event => {
  event.preventDefault();
  $('error').textContent = '';
  try {
    const { thread } = await api('/threads', { method: 'POST', body: JSON.stringify({ participants: [$('with').value.trim()] }) });
    await loadThreads();
    await openThread(thread._id);
    $('with').value = '';
  } catch (error) {
    $('error').textContent = error.message;
  }
};
$('composer').onsubmit = event => {
  event.preventDefault();
  const content = $('text').value.trim();
  if (!content || !state.open) return;
  $('error').textContent = '';
  $('text').value = '';
  send(state.open, content);
};
$('text').onkeydown = event => {
  if (event.key === 'Enter' && !event.shiftKey) { event.preventDefault(); $('composer').requestSubmit(); }
};

start();
