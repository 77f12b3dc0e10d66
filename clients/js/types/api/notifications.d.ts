/** @typedef {import('../documents.js').Queued} Queued */
/** @typedef {import('../documents.js').CountAnswer} CountAnswer */
/** @typedef {import('../documents.js').PreferencesAnswer} PreferencesAnswer */
/** @typedef {import('../documents.js').PreferencesChange} PreferencesChange */
/** @typedef {import('../documents.js').Device} Device */
/** @typedef {import('./path.js').PageQuery} PageQuery */
export class Notifications {
    /** @param {import('../rest.js').Rest} rest */
    constructor(rest: import("../rest.js").Rest);
    /**
     * A page of the inbox, newest first.
     * @param {PageQuery & { unread?: true, skip?: number }} [page]
     * @returns {Promise<import('../documents.js').NotificationsPage>}
     */
    list(page?: PageQuery & {
        unread?: true;
        skip?: number;
    }): Promise<import("../documents.js").NotificationsPage>;
    /** @returns {Promise<number>} */
    unreadCount(): Promise<number>;
    /**
     * @param {string} notificationId
     * @returns {Promise<CountAnswer | Queued>}
     */
    read(notificationId: string): Promise<CountAnswer | Queued>;
    /** @returns {Promise<CountAnswer | Queued>} */
    readAll(): Promise<CountAnswer | Queued>;
    /**
     * @param {string} notificationId
     * @returns {Promise<CountAnswer | Queued>}
     */
    delete(notificationId: string): Promise<CountAnswer | Queued>;
    /**
     * What became of a notification by each channel, the newest first.
     * @param {string} notificationId
     * @param {PageQuery} [page]
     * @returns {Promise<import('../documents.js').DeliveriesPage>}
     */
    deliveries(notificationId: string, page?: PageQuery): Promise<import("../documents.js").DeliveriesPage>;
    #private;
}
export class PreferencesOfUser {
    /** @param {import('../rest.js').Rest} rest */
    constructor(rest: import("../rest.js").Rest);
    /** @returns {Promise<import('../documents.js').Preferences>} */
    get(): Promise<import("../documents.js").Preferences>;
    /**
     * Replaces all preferences: what is not named has its default.
     * @param {PreferencesChange} preferences
     * @returns {Promise<PreferencesAnswer | Queued>}
     */
    set(preferences: PreferencesChange): Promise<PreferencesAnswer | Queued>;
    /**
     * Changes what is named and leaves the rest.
     * @param {PreferencesChange} preferences
     * @returns {Promise<PreferencesAnswer | Queued>}
     */
    change(preferences: PreferencesChange): Promise<PreferencesAnswer | Queued>;
    /**
     * Mutes one thread, until a time or for ever.
     * @param {string} threadId
     * @param {string} [until]
     * @returns {Promise<PreferencesAnswer | Queued>}
     */
    mute(threadId: string, until?: string): Promise<PreferencesAnswer | Queued>;
    /**
     * @param {string} threadId
     * @returns {Promise<PreferencesAnswer | Queued>}
     */
    unmute(threadId: string): Promise<PreferencesAnswer | Queued>;
    #private;
}
export class Devices {
    /** @param {import('../rest.js').Rest} rest */
    constructor(rest: import("../rest.js").Rest);
    /**
     * Registers a browser (what `PushSubscription.toJSON()` gives) or an app, or renews it.
     * @param {{ subscription: object, name?: string } | { fcmToken: string, name?: string }} device
     * @returns {Promise<{ success: true, device: Device } | Queued>}
     */
    register(device: {
        subscription: object;
        name?: string;
    } | {
        fcmToken: string;
        name?: string;
    }): Promise<{
        success: true;
        device: Device;
    } | Queued>;
    /** @returns {Promise<Device[]>} */
    list(): Promise<Device[]>;
    /**
     * @param {string} deviceId
     * @returns {Promise<import('../documents.js').Done | Queued>}
     */
    remove(deviceId: string): Promise<import("../documents.js").Done | Queued>;
    /**
     * What a browser subscribes with; `null` if the system sends no pushes to browsers.
     * @returns {Promise<string | null>}
     */
    pushKey(): Promise<string | null>;
    #private;
}
export type Queued = import("../documents.js").Queued;
export type CountAnswer = import("../documents.js").CountAnswer;
export type PreferencesAnswer = import("../documents.js").PreferencesAnswer;
export type PreferencesChange = import("../documents.js").PreferencesChange;
export type Device = import("../documents.js").Device;
export type PageQuery = import("./path.js").PageQuery;
