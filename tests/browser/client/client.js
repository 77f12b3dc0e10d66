// A client as host applications write it, with the habits that a server has to bear: it sends every message
// by socket and by REST without a key, never draws its own message, signs in and joins once and never again
// after a reconnect, does not look for repetitions, tells of every key that is pressed, draws every thread
// with a picture and a name that it takes to be there, takes whatever it hears of presence for the other
// one's, and shows somebody typing until it is told otherwise.

const one = id => document.getElementById(id);
const ask = (method, path, body) => fetch(`/api/v2/messages${path}`, {
  method, credentials: 'include', body: body && JSON.stringify(body),
  headers: { 'Content-Type': 'application/json', 'X-CSRF-Token': window.__CSRF_TOKEN__ ?? '' },
});

class HostClient {
  currentThreadId = null;

  connect(userId) {
    this.userId = userId;
    this.socket = io(location.origin, {
      transports: ['websocket', 'polling'], reconnection: true, reconnectionDelay: 1000, reconnectionAttempts: 5,
    });
    this.socket.on('connect', () => { one('connection-status').textContent = 'Connected'; });
    this.socket.on('disconnect', () => { one('connection-status').textContent = 'Disconnected'; });
    this.socket.on('auth:success', () => this.loadThreads());
    this.socket.on('auth:error', ({ error }) => console.error(error));
    this.socket.on('message:received', ({ message }) => this.hear(message));
    this.socket.on('typing:update', signal => this.showTyping(signal));
    this.socket.on('presence:sync', person => this.showPresence(person));
    this.socket.on('reaction:received', heard => this.showReactions(heard));
    this.socket.emit('auth', { userId });
    one('message-input').addEventListener('input', () => this.startTyping());
    one('message-input').addEventListener('blur', () => this.stopTyping());
  }

  async loadThreads() {
    const { threads } = await this.call('GET', '/threads');
    one('threads-list').replaceChildren(...threads.map(thread => {
      const item = document.createElement('div');
      item.className = `thread-item ${thread.unreadCount ? 'unread' : ''}`;
      item.onclick = () => this.openThread(thread._id);
      // As careless as it looks: names and previews go into the page as they are, and nobody asks whether
      // they are there.
      item.innerHTML = `<img class="avatar" src="${thread.participant.avatar}" alt=""><b class="thread-name">${thread.participant.name}</b>
        <i class="thread-preview">${thread.lastMessage?.content ?? ''}</i>${thread.unreadCount ? `<b class="unread-badge">${thread.unreadCount}</b>` : ''}`;
      return item;
    }));
  }

  async openThread(threadId) {
    this.currentThreadId = threadId;
    this.socket.emit('thread:join', { threadId });
    const { messages } = await this.call('GET', `/${threadId}`);
    one('messages-container').replaceChildren(...messages.map(message => this.draw(message)));
    await this.call('POST', `/threads/${threadId}/read`, {});
  }

  hear(message) {
    if (message.threadId !== this.currentThreadId) return;
    one('messages-container').append(this.draw(message));
    this.call('POST', `/${message._id}/read`, {});
  }

  draw(message) {
    const bubble = document.createElement('div');
    bubble.className = message.senderId === this.userId ? 'message message-own' : 'message message-other';
    bubble.dataset.messageId = message._id;
    const content = document.createElement('div');
    content.className = 'message-content';
    content.textContent = message.content;
    bubble.append(content);
    if (message.reactions.length) {
      const reactions = document.createElement('div');
      reactions.className = 'message-reactions';
      reactions.textContent = message.reactions.map(each => each.emoji).join(' ');
      bubble.append(reactions);
    }
    return bubble;
  }

  async sendMessage() {
    const input = one('message-input');
    const body = { content: input.value.trim(), attachments: [] };
    if (!body.content || !this.currentThreadId) return;
    this.socket.emit('message:send', { threadId: this.currentThreadId, ...body });
    try {
      // Whatever the answer is.
      await ask('POST', `/${this.currentThreadId}`, body);
      input.value = '';
      this.stopTyping();
    } catch (error) {
      console.error(error);
    }
  }

  startTyping() {
    if (!this.currentThreadId) return;
    this.socket.emit('typing:start', { threadId: this.currentThreadId });
    clearTimeout(this.typing);
    this.typing = setTimeout(() => this.stopTyping(), 3000);
  }

  stopTyping() {
    if (!this.currentThreadId) return;
    this.socket.emit('typing:stop', { threadId: this.currentThreadId });
    clearTimeout(this.typing);
  }

  showTyping({ threadId, userId, isTyping }) {
    if (threadId !== this.currentThreadId) return;
    one('typing-indicator').style.display = isTyping && userId !== this.userId ? 'block' : 'none';
  }

  showPresence({ status }) {
    one('participant-status').className = `status-indicator status-${status}`;
    one('participant-status').title = status === 'online' ? 'Online' : 'Offline';
  }

  addReaction(messageId, emoji) {
    return this.call('POST', `/${messageId}/reactions`, { emoji });
  }

  showReactions({ messageId, reactions }) {
    const place = document.querySelector(`[data-message-id="${messageId}"] .message-reactions`);
    if (place) place.textContent = reactions.map(each => each.emoji).join(' ');
  }

  async call(method, path, body) {
    return (await ask(method, path, body)).json();
  }
}

window.messagingClient = new HostClient();
messagingClient.connect(document.body.dataset.userId);
