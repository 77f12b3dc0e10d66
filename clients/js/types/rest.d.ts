export class Rest {
    /**
     * @param {string} url
     * @param {import('./credentials.js').Credentials} credentials
     * @param {typeof fetch} [fetcher]
     */
    constructor(url: string, credentials: import("./credentials.js").Credentials, fetcher?: typeof fetch);
    /**
     * Asks; gives the answer, or throws a `Refusal`.
     * @param {string} method
     * @param {string} path below `/api/v2`
     * @param {RequestOptions} [options]
     * @returns {Promise<any>}
     */
    ask(method: string, path: string, options?: RequestOptions): Promise<any>;
    /**
     * Asks with bytes, or for bytes; gives the response, or throws a `Refusal`.
     * @param {string} method
     * @param {string} path below `/api/v2`
     * @param {Exchange} options
     * @returns {Promise<Response>}
     */
    exchange(method: string, path: string, options: Exchange): Promise<Response>;
    #private;
}
export type Query = Record<string, string | number | boolean | string[] | undefined>;
export type RequestOptions = {
    query?: Query | undefined;
    body?: object | undefined;
    /**
     * a write under this key is carried out once (`Idempotency-Key`)
     */
    key?: string | undefined;
    /**
     * nobody waits any more
     */
    signal?: AbortSignal | undefined;
    /**
     * whether a request without an answer may be made again; reads may
     */
    isRepeatable?: boolean | undefined;
};
/**
 * A request whose body or answer are bytes.
 */
export type Exchange = {
    headers: Record<string, string>;
    body?: Uint8Array<ArrayBufferLike> | Blob | undefined;
    /**
     * nobody waits any more
     */
    signal?: AbortSignal | undefined;
    /**
     * how long an answer is waited for
     */
    patienceMs?: number | undefined;
    isRepeatable?: boolean | undefined;
};
