export class Attachments {
    /** @param {import('../rest.js').Rest} rest */
    constructor(rest: import("../rest.js").Rest);
    /**
     * Uploads a file, piece by piece; goes on after cuts, also at another gateway. Gives the file as a message
     * shows it.
     * @param {Blob | ArrayBuffer | Uint8Array | string} file
     * @param {UploadOptions} [options]
     * @returns {Promise<StoredFile>}
     */
    upload(file: Blob | ArrayBuffer | Uint8Array | string, { name, onProgress, onBegun, resume, signal }?: UploadOptions): Promise<StoredFile>;
    /**
     * Begins an upload of so many bytes.
     * @param {number} length
     * @param {string} [name]
     * @param {{ signal?: AbortSignal }} [options]
     * @returns {Promise<UploadAnswer>}
     */
    begin(length: number, name?: string, { signal }?: {
        signal?: AbortSignal;
    }): Promise<UploadAnswer>;
    /**
     * How many bytes of an upload the server has.
     * @param {string} id
     * @param {{ signal?: AbortSignal }} [options]
     * @returns {Promise<number>}
     */
    offset(id: string, { signal }?: {
        signal?: AbortSignal;
    }): Promise<number>;
    /**
     * Appends bytes to an upload at an offset. Gives how many the server has then.
     * @param {string} id
     * @param {number} offset
     * @param {Blob | Uint8Array} bytes
     * @param {{ signal?: AbortSignal }} [options]
     * @returns {Promise<number>}
     */
    append(id: string, offset: number, bytes: Blob | Uint8Array, { signal }?: {
        signal?: AbortSignal;
    }): Promise<number>;
    /**
     * A finished file of one's own.
     * @param {string} id
     * @returns {Promise<AttachmentAnswer>}
     */
    info(id: string): Promise<AttachmentAnswer>;
    /**
     * The bytes of a file that one may see, for programs; a page shows the `url` of the attachment.
     * @param {string} id
     * @param {{ range?: string, signal?: AbortSignal }} [options] a range as `bytes=0-99`
     * @returns {Promise<Response>}
     */
    get(id: string, { range, signal }?: {
        range?: string;
        signal?: AbortSignal;
    }): Promise<Response>;
    /**
     * The small picture of an image.
     * @param {string} id
     * @param {{ signal?: AbortSignal }} [options]
     * @returns {Promise<Response>}
     */
    thumbnail(id: string, { signal }?: {
        signal?: AbortSignal;
    }): Promise<Response>;
    /**
     * Deletes a file that no message uses, whole or not.
     * @param {string} id
     */
    remove(id: string): Promise<any>;
    #private;
}
export type AttachmentAnswer = import("../documents.js").AttachmentAnswer;
export type UploadAnswer = import("../documents.js").UploadAnswer;
export type StoredFile = import("../documents.js").StoredFile;
export type UploadOptions = {
    /**
     * as people see it; that of a `File` if it is not given
     */
    name?: string | undefined;
    /**
     * after each piece that is kept
     */
    onProgress?: ((progress: {
        sent: number;
        total: number;
    }) => void) | undefined;
    /**
     * the id of the upload: keep it to go on after a reload
     */
    onBegun?: ((id: string) => void) | undefined;
    /**
     * the id of an upload of the same file that was begun before
     */
    resume?: string | undefined;
    /**
     * nobody waits any more; what has come is kept for `resume`
     */
    signal?: AbortSignal | undefined;
};
