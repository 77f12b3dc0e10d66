export class Connection {
    /**
     * @param {string} url
     * @param {object} options of `io`
     * @param {import('./credentials.js').Credentials} credentials
     * @param {ConnectionHooks} hooks
     */
    constructor(url: string, options: object, credentials: import("./credentials.js").Credentials, hooks: ConnectionHooks);
    /** How the connection is. */
    get state(): import("./events.js").ConnectionState;
    /** Whether events go out and come in. */
    get isUp(): boolean;
    /** Connects, or connects again after an end. */
    open(): void;
    close(): void;
    /**
     * Asks; gives the answer, or throws a `Refusal`. With the code `offline` it is not known whether it was
     * done.
     * @template {keyof Requests} Name
     * @param {Name} name
     * @param {Requests[Name]['body']} body
     * @returns {Promise<Requests[Name]['answer']>}
     */
    ask<Name extends keyof Requests>(name: Name, body: Requests[Name]["body"]): Promise<Requests[Name]["answer"]>;
    /**
     * Shows the server the credential that there is now: in the open session, or by connecting again.
     */
    present(): Promise<void>;
    #private;
}
export type Requests = import("./events.js").Requests;
export type ConnectionState = import("./events.js").ConnectionState;
/**
 * Who is told.
 */
export type ConnectionHooks = {
    /**
     * an event of the server
     */
    heard: (name: string, body: any) => void;
    /**
     * `recovered`: the session goes on and nothing is missing
     */
    connected: (recovered: boolean) => void;
    state: (state: ConnectionState, refusal?: Refusal, recovered?: boolean) => void;
};
import { Refusal } from './refusal.js';
