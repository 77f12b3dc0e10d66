export function path(texts: TemplateStringsArray, ...values: string[]): string;
export function paged({ signal, ...query }?: PageQuery & Record<string, any>): import("../rest.js").RequestOptions;
/** A route whose request may be made again: what is done already is done once. */
export const REPEATABLE: Readonly<{
    isRepeatable: true;
}>;
/**
 * A page of a list: how long it may be, where it begins.
 */
export type PageQuery = {
    /**
     * 1 to 100, 50 if it is not given
     */
    limit?: number | undefined;
    /**
     * the `nextCursor` of the page before
     */
    cursor?: string | undefined;
    /**
     * nobody waits any more
     */
    signal?: AbortSignal | undefined;
};
