// A client as host applications write it, with the habits that a server has to bear: it sends every message by socket and by
// REST without a key, never draws its own message, signs in and joins once and never again after a reconnect, does not look
// for repetitions, and tells of every key that is pressed.

class HostClient {
  currentThreadId = null;

  connect(userId) {
    this.userId = userId;
    this.socket = io(location.origin, {
      transports: ['websocket', 'polling'], reconnection: true, reconnectionDelay: 1000, reconnectionAttempts: 5,
    });
    this.socket.on('connect', () => this.tell('connection-status', 'Connected'));
    this.socket.on('disconnect', () => this.tell('connection-status', 'Disconnected'));
    this.socket.on('auth:success', () => this.loadThreads());
    this.socket.on('message:received', ({ message }) => this.hear(message));
    this.socket.on('typing:update', signal => this.showTyping(signal));
    this.socket.on('presence:sync', ({ status }) => { document.getElementById('participant-status').className = `status-${status}`; });
    this.socket.on('reaction:received', heard => this.showReactions(heard));
    this.socket.emit('auth', { userId });
    document.getElementById('message-input').addEventListener('input', () => this.startTyping());
  }

  async loadThreads() {
    const { threads } = await this.call('GET', '/threads');
    // As careless as it looks: names and previews go into the page as they are.
    document.getElementById('threads-list').innerHTML = threads.map(({ unreadCount, participant, lastMessage }) =>
      `<div class="thread-item ${unreadCount ? 'unread' : ''}"><img class="avatar" src="${participant.avatar}" alt="">
       <b class="thread-name">${participant.name}</b> <i class="thread-preview">${lastMessage?.content ?? ''}</i></div>`).join('');
  }

  async openThread(threadId) {
    this.currentThreadId = threadId;
    this.socket.emit('thread:join', { threadId });
    const { messages } = await this.call('GET', `/${threadId}`);
    document.getElementById('messages-container').replaceChildren(...messages.map(message => this.draw(message)));
    await this.call('POST', `/threads/${threadId}/read`, {});
  }

  hear(message) {
    if (message.threadId !== this.currentThreadId) return;
    document.getElementById('messages-container').append(this.draw(message));
    this.call('POST', `/${message._id}/read`, {});
  }

  draw(message) {
    const bubble = document.createElement('div');
    bubble.className = message.senderId === this.userId ? 'message message-own' : 'message message-other';
    bubble.dataset.messageId = message._id;
    const content = document.createElement('div');
    content.className = 'message-content';
    content.textContent = message.content;
    const reactions = document.createElement('div');
    reactions.className = 'message-reactions';
    reactions.textContent = message.reactions.map(each => each.emoji).join(' ');
    bubble.append(content, reactions);
    return bubble;
  }

  async sendMessage() {
    const input = document.getElementById('message-input');
    const body = { content: input.value.trim(), attachments: [] };
    this.socket.emit('message:send', { threadId: this.currentThreadId, ...body });
    await this.call('POST', `/${this.currentThreadId}`, body);
    input.value = '';
    this.stopTyping();
  }

  startTyping() {
    this.socket.emit('typing:start', { threadId: this.currentThreadId });
    clearTimeout(this.typing);
    this.typing = setTimeout(() => this.stopTyping(), 3000);
  }

  stopTyping() {
    clearTimeout(this.typing);
    this.socket.emit('typing:stop', { threadId: this.currentThreadId });
  }

  showTyping({ threadId, userId, isTyping }) {
    if (threadId !== this.currentThreadId) return;
    document.getElementById('typing-indicator').style.display = isTyping && userId !== this.userId ? 'block' : 'none';
  }

  addReaction(messageId, emoji) {
    return this.call('POST', `/${messageId}/reactions`, { emoji });
  }

  showReactions({ messageId, reactions }) {
    const place = document.querySelector(`[data-message-id="${messageId}"] .message-reactions`);
    if (place) place.textContent = reactions.map(each => each.emoji).join(' ');
  }

  tell(id, text) {
    document.getElementById(id).textContent = text;
  }

  async call(method, path, body) {
    const answer = await fetch(`/api/v2/messages${path}`, {
      method, credentials: 'include', body: body && JSON.stringify(body),
      headers: { 'Content-Type': 'application/json', 'X-CSRF-Token': window.__CSRF_TOKEN__ ?? '' },
    });
    return answer.json();
  }
}

window.messagingClient = new HostClient();
messagingClient.connect(document.body.dataset.userId);
