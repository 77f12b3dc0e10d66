/**
 * The records of an answer, as they come. Throws at the end if the last one is not the end.
 * @param {Response} response
 * @returns {AsyncGenerator<any>}
 */
export function records(response: Response): AsyncGenerator<any>;
