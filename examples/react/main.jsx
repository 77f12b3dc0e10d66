// A page of one conversation: https://…/?user=ann&with=ben. The backend (../backend) says who is signed in.

import { useCallback, useEffect, useState, useSyncExternalStore } from 'react';
import { createRoot } from 'react-dom/client';
import { Refusal, connect, typed } from '@eventflow/client';

/**
 * Asks the backend for a token. The client calls it again whenever it needs another. That nobody is signed in
 * any more is a refusal, which ends the connection; after any other error the client comes back.
 */
const ask = async () => {
  const answer = await fetch('/chat-token');
  if (answer.status === 401) throw new Refusal({ code: 'unauthenticated', error: 'nobody is signed in' });
  if (!answer.ok) throw new Error(`the backend answers ${answer.status}`);
  return answer.json();
};

/** Signs in, and opens the conversation that the address names. */
async function start() {
  const wanted = new URL(location.href).searchParams;
  await fetch('/login', { method: 'POST', body: JSON.stringify({ user: wanted.get('user') }) });
  const { url, userId } = await ask();
  const client = connect({ url, userId, token: async () => (await ask()).token });
  const thread = await client.threads.start({ participants: [wanted.get('with')] });
  return { client, conversation: client.conversation(thread._id) };
}

function Chat({ client, conversation }) {
  const { messages, pending, typing, hasOlder } = useSyncExternalStore(conversation.subscribe, conversation.getSnapshot);
  // Not by an effect: it would miss what happens before it runs.
  const state = useSyncExternalStore(useCallback(act => client.on('state', act), [client]), () => client.state);
  const [text, setText] = useState('');
  const [trouble, setTrouble] = useState('');
  useEffect(() => {
    conversation.open().catch(error => error.name !== 'AbortError' && setTrouble(error.message));
    return () => conversation.close();
  }, [conversation]);
  useEffect(() => {
    conversation.markRead().catch(() => {});
  }, [conversation, messages]);
  const send = event => {
    event.preventDefault();
    conversation.send(text);
    setText('');
  };
  const write = event => {
    setText(event.target.value);
    conversation.startTyping();
  };
  return (
    <main>
      <p id="state">{state}</p>
      {trouble && <p className="failed">{trouble}</p>}
      {hasOlder && <button onClick={() => conversation.older()}>Earlier messages</button>}
      <ol id="messages">
        {messages.map(({ _id, senderId, content, deletedAt, status }) => (
          <li key={_id}>{senderId}: {deletedAt ? '(taken back)' : typed(content)} {senderId === client.userId && <small>{status}</small>}</li>
        ))}
        {pending.map(({ key, content, state: how, refusal }) => (
          <li key={key} className={how === 'failed' ? 'failed' : 'pending'}>
            {content} <small>{refusal?.error ?? how}</small>
            {how === 'failed' && <button onClick={() => client.outbox.forget(key)}>Forget</button>}
          </li>
        ))}
      </ol>
      <p id="typing">{typing.length > 0 && `${typing.join(', ')} …`}</p>
      <form onSubmit={send}>
        <input aria-label="Message" value={text} onChange={write} />
        <button disabled={!text.trim()}>Send</button>
      </form>
    </main>
  );
}

createRoot(document.getElementById('root')).render(<Chat {...await start()} />);
