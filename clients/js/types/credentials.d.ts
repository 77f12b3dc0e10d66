/**
 * The user id that a token names; nothing if it cannot be read.
 * @param {string} token
 * @returns {string | undefined}
 */
export function userOf(token: string): string | undefined;
/**
 * Gets a token of the person from the host application's server.
 * @typedef {() => string | Promise<string>} TokenSource
 */
/**
 * A token is replaced when a fifth of its life is left, at the earliest after this: a wrong clock on this
 * side, or a host that is away, must not make it ask all the time.
 */
export const SOONEST_RENEWAL_MS: 30000;
export class Credentials {
    /**
     * @param {string | TokenSource | undefined} token nothing: the cookie of the host application
     * @param {string} userId whose token it has to be
     */
    constructor(token: string | TokenSource | undefined, userId: string);
    userId: string;
    /** Whether the browser's cookie is the credential. */
    isCookie: boolean;
    /** Whether a new token can be had without anybody's help. */
    get isRenewable(): boolean;
    /**
     * The token; nothing if the cookie is the credential. Rejects with a refusal if there is none that holds.
     * @returns {Promise<string | undefined>}
     */
    get(): Promise<string | undefined>;
    /**
     * Another token than the one that there is, which stays until then. Rejects with a refusal if there is
     * none.
     * @returns {Promise<string>}
     */
    renew(): Promise<string>;
    /**
     * The server does not take this token any more, or will not for long.
     * @param {string | undefined} token
     */
    drop(token: string | undefined): void;
    /**
     * Takes another token of the same person.
     * @param {string} token
     */
    set(token: string): void;
    /**
     * Milliseconds until the token is to be replaced; nothing if it says no end.
     * @returns {number | undefined}
     */
    get renewalMs(): number | undefined;
    #private;
}
/**
 * Gets a token of the person from the host application's server.
 */
export type TokenSource = () => string | Promise<string>;
