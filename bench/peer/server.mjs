// A messaging server as a careful Node developer writes it from the public documentation of its libraries:
// the measure that bench/run holds this system against.
//
//   node bench/peer/server.mjs --port 3000 [--bare]
//
// It does the same work for a message of two people or many: checks the login and the membership, numbers the
// message in its thread, stores it with majority and journal, updates the thread (newest message, unread
// counters), answers the sender, and emits it to everybody in the thread, over Redis if there are two
// processes. A key that was used before answers with the message that it stands for. What it leaves out:
// receipts, presence, notifications, search, limits, recovery of sessions, and every promise about what dies.
//
// With --bare nothing is stored: Socket.IO alone, with the numbers and the history in memory. That is the
// limit of its edge.
//
// Environment: JWT_SECRET, and without --bare MONGODB_URI and REDIS_URL.

import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';
import { parseArgs } from 'node:util';
import { Server } from 'socket.io';

const { values: { port, bare } } = parseArgs({ options: { port: { type: 'string' }, bare: { type: 'boolean' } } });
/** Longest body of a request in bytes: a thread of 5,000 people fits. */
const BODY_BYTES_MAX = 1_000_000;
/** Most messages of a page of history. */
const PAGE_MAX = 100;

/** The user of a token (HS256), or an error. */
function verified(token) {
  const [header, claims, signature] = String(token).split('.');
  const expected = createHmac('sha256', process.env.JWT_SECRET).update(`${header}.${claims}`).digest();
  const given = Buffer.from(signature ?? '', 'base64url');
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) throw new Error('invalid token');
  const { id, exp } = JSON.parse(Buffer.from(claims, 'base64url'));
  if (exp * 1_000 < Date.now()) throw new Error('expired token');
  return id;
}

/** Threads and messages in memory, for --bare. */
class Memory {
  threads = new Map();

  async create(participants, label) {
    const id = `${label}-${participants.join('-').length}-${this.threads.size}`;
    this.threads.set(id, { _id: id, participants, messages: [] });
    return this.threads.get(id);
  }

  async thread(id) {
    return this.threads.get(id);
  }

  async store(thread, message) {
    const seq = thread.messages.length + 1;
    thread.messages.push({ ...message, seq });
    return { message: thread.messages.at(-1), isNew: true };
  }

  async page(thread, after, limit) {
    return thread.messages.slice(after, after + limit);
  }
}

/** Threads and messages in MongoDB: each write waits for the majority and its journal. */
class Mongo {
  /** Who is in a thread never changes here, so that what was read once is known. */
  known = new Map();
  /** The end of what is under way in a thread: its messages are stored one after another. */
  tails = new Map();

  async connect() {
    const { MongoClient, ObjectId } = await import('mongodb');
    this.ObjectId = ObjectId;
    const client = new MongoClient(process.env.MONGODB_URI, { writeConcern: { w: 'majority', journal: true }, maxPoolSize: 100 });
    await client.connect();
    const database = client.db();
    [this.threads, this.messages] = [database.collection('threads'), database.collection('messages')];
    await this.messages.createIndex({ threadId: 1, seq: 1 }, { unique: true });
    await this.messages.createIndex({ senderId: 1, clientMessageId: 1 }, { unique: true });
    await this.threads.createIndex({ participants: 1, lastMessageAt: -1 });
  }

  async create(participants, label) {
    const thread = { participants, label, lastSeq: 0, unreadCount: {}, lastMessageAt: new Date() };
    await this.threads.insertOne(thread);
    return this.remember(thread);
  }

  remember(thread) {
    const known = { _id: String(thread._id), key: thread._id, participants: thread.participants };
    this.known.set(known._id, known);
    return known;
  }

  async thread(id) {
    const known = this.known.get(id);
    if (known || !this.ObjectId.isValid(id)) return known;
    const found = await this.threads.findOne({ _id: new this.ObjectId(id) }, { projection: { participants: 1 } });
    return found ? this.remember(found) : undefined;
  }

  store(thread, message) {
    const turn = (this.tails.get(thread._id) ?? Promise.resolve()).then(() => this.storeNext(thread, message));
    const tail = turn.catch(() => {}).then(() => {
      if (this.tails.get(thread._id) === tail) this.tails.delete(thread._id);
    });
    this.tails.set(thread._id, tail);
    return turn;
  }

  async storeNext(thread, message) {
    const before = await this.messages.findOne({ senderId: message.senderId, clientMessageId: message.clientMessageId });
    if (before) return { message: before, isNew: false };
    const unread = {};
    // As in the documents of the host application, a counter for each person; of large threads none.
    if (thread.participants.length <= PAGE_MAX) {
      for (const one of thread.participants) if (one !== message.senderId) unread[`unreadCount.${one}`] = 1;
    }
    const { lastSeq } = await this.threads.findOneAndUpdate(
      { _id: thread.key },
      { $inc: { lastSeq: 1, ...unread }, $set: { lastMessageAt: message.createdAt, lastMessage: message.content.slice(0, 100) } },
      { returnDocument: 'after', projection: { lastSeq: 1 } },
    );
    const stored = { ...message, seq: lastSeq };
    await this.messages.insertOne(stored);
    return { message: stored, isNew: true };
  }

  async page(thread, after, limit) {
    return this.messages.find({ threadId: thread._id, seq: { $gt: after } }).sort({ seq: 1 }).limit(limit).toArray();
  }
}

const store = bare ? new Memory() : new Mongo();
await store.connect?.();

async function body(request) {
  let text = '';
  for await (const chunk of request) {
    text += chunk;
    if (text.length > BODY_BYTES_MAX) throw new Error('the body is too long');
  }
  return JSON.parse(text);
}

async function answer(request) {
  const user = verified(request.headers.authorization?.replace('Bearer ', ''));
  const url = new URL(request.url, 'http://localhost');
  const id = url.pathname.match(/^\/api\/v2\/messages\/([^/]+)$/)?.[1];
  if (request.method === 'POST' && id === 'threads') {
    const { participants, metadata } = await body(request);
    return [200, { success: true, thread: await store.create([...new Set([user, ...participants])], metadata?.run) }];
  }
  const thread = id && await store.thread(id);
  if (request.method !== 'GET' || !thread?.participants.includes(user)) return [404, { success: false, code: 'not_found' }];
  const after = Number(url.searchParams.get('after') ?? 0);
  const limit = Math.min(Number(url.searchParams.get('limit') ?? PAGE_MAX), PAGE_MAX);
  return [200, { success: true, messages: await store.page(thread, after, limit) }];
}

const http = createServer((request, response) => {
  answer(request).catch(error => [error.message.includes('token') ? 401 : 500, { success: false, error: error.message }])
    .then(([status, told]) => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(told));
    });
});
// As in Socket.IO's page on performance: no compression of frames, no copy of the first request.
const io = new Server(http, { transports: ['websocket'], perMessageDeflate: false, serveClient: false });
io.engine.on('connection', socket => {
  socket.request = null;
});
if (!bare) {
  const { createClient } = await import('redis');
  const { createAdapter } = await import('@socket.io/redis-adapter');
  const publisher = createClient({ url: process.env.REDIS_URL });
  const subscriber = publisher.duplicate();
  await Promise.all([publisher.connect(), subscriber.connect()]);
  io.adapter(createAdapter(publisher, subscriber));
}

io.use((socket, next) => {
  try {
    socket.data.user = verified(socket.handshake.auth.token);
    next();
  } catch (error) {
    next(error);
  }
});

io.on('connection', socket => {
  const { user } = socket.data;
  socket.join(user);
  socket.on('message:send', async ({ threadId, content, clientMessageId }, acknowledge) => {
    try {
      const thread = await store.thread(threadId);
      if (!thread?.participants.includes(user)) return acknowledge({ success: false, code: 'not_found' });
      if (typeof content !== 'string' || content.length > 10_000) return acknowledge({ success: false, code: 'invalid' });
      const wanted = { threadId, senderId: user, content, clientMessageId, createdAt: new Date() };
      const { message, isNew } = await store.store(thread, wanted);
      if (isNew) io.to(thread.participants).emit('message:received', { message });
      return acknowledge({ success: true, message });
    } catch (error) {
      console.error(error);
      return acknowledge({ success: false, code: 'unavailable' });
    }
  });
});

http.listen(Number(port), '127.0.0.1', () => console.log(`listening on ${port}`));
process.on('SIGTERM', () => process.exit(0));
