export type Message = import("./documents.js").Message;
export type Cursors = import("./documents.js").Cursors;
export type Refusal = import("./refusal.js").Refusal;
export type OutboxEntry = import("./outbox.js").OutboxEntry;
/**
 * Events of the server, as they came: live, perhaps twice, and none of what happened while there was no
 * connection. `message`, `changed` and `cursors` tell that too.
 */
export type ServerEvents = import("../types/contract.js").ServerEvents;
/**
 * Somebody has received or read a thread further.
 */
export type Receipt = ServerEvents["message:read:update"] | ServerEvents["message:status"];
/**
 * How the connection is.
 */
export type ConnectionState = "closed" | "connecting" | "online" | "offline" | "ended";
/**
 * Events of this package.
 *
 * - `message`: a message of a thread; each once, in the order of `seq`, also after an absence.
 * - `changed`: a message as it is now; it was edited, taken back or reacted to during an absence.
 * - `cursors`: how far everybody has come in a thread, after an absence.
 * - `thread:found`: a thread that began, or was written to, during an absence, and that nobody here knew.
 * - `thread:lost`: the person is not in this thread any more.
 * - `thread:reset`: the server does not have what this client has of the thread (its data was restored from a
 *   copy); read the thread again.
 * - `state`: the connection is another way. `ended`: only another credential helps, see `useToken`.
 * - `resumed`: everything that was missed has been told.
 * - `outbox`: what waits to be stored changed.
 * - `stored`, `refused`: what became of a message that was written here, also before a reload.
 * - `storage:error`: something could not be kept over a reload; the message is sent all the same.
 */
export type OwnEvents = {
    "message": {
        message: Message;
        threadId: string;
    };
    "changed": {
        message: Message;
        threadId: string;
    };
    "cursors": {
        threadId: string;
        cursors: Cursors[];
    };
    "thread:found": {
        thread: import("./documents.js").ListedThread;
    };
    "thread:lost": {
        threadId: string;
    };
    "thread:reset": {
        threadId: string;
    };
    "state": {
        state: ConnectionState;
        refusal?: Refusal;
        recovered?: boolean;
    };
    "resumed": {
        threads: number;
    };
    "outbox": {
        threadId: string;
    };
    "stored": {
        message: Message;
        key: string;
    };
    "refused": {
        entry: OutboxEntry;
        refusal: Refusal;
    };
    "storage:error": {
        error: unknown;
    };
};
/**
 * Every event that can be listened to.
 */
export type Events = ServerEvents & OwnEvents;
export type ReactionAction = "add" | "remove" | "toggle";
/**
 * What a client may ask over the socket: the argument and the answer of each event.
 */
export type Requests = import("../types/contract.js").Requests;
