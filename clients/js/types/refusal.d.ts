export class Refusal extends Error {
    /**
     * An error as a refusal: one that is none means that no answer came.
     * @param {unknown} error
     * @returns {Refusal}
     */
    static of(error: unknown): Refusal;
    /** @param {Refused} refused */
    constructor({ code, error, retryAfterMs, status, cause }: Refused);
    /** @type {RefusalCode} */
    code: RefusalCode;
    /** Milliseconds after which the same may work; 0 if nobody said. */
    retryAfterMs: number;
    /** The HTTP status, if REST was asked. */
    status: number | undefined;
    /** Whether the same request may work later. */
    get isPassing(): boolean;
    /** Whether only another credential helps. */
    get endsSignIn(): boolean;
}
/**
 * A code of the protocol's table of errors, or `offline`: no answer came, and it is not known whether the
 * request was carried out.
 */
export type RefusalCode = "unauthenticated" | "token_expired" | "forbidden" | "csrf_failed" | "not_found" | "unknown" | "invalid" | "key_reused" | "too_late" | "conflict" | "not_group" | "erased" | "too_large" | "quota_exceeded" | "wrong_type" | "locked" | "rate_limited" | "unavailable" | "failed" | "offline";
/**
 * What a refusal is made of: a server's answer with `success: false`, and what only HTTP says.
 */
export type Refused = {
    code?: string | undefined;
    /**
     * a sentence for people
     */
    error?: string | undefined;
    /**
     * when the same may work
     */
    retryAfterMs?: number | undefined;
    /**
     * the HTTP status, if REST was asked
     */
    status?: number | undefined;
    cause?: unknown;
};
