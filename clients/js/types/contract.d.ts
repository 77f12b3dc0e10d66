// Made of docs/openapi.json and docs/asyncapi.json by .ci/web/contract-types.mjs. Not to be changed by hand.

export interface components {
    schemas: {
        /**
         * @description A file of a message: one that was uploaded to this system, or a reference to one that the host application
         *     stores.
         */
        Attachment: {
            /**
             * @description The file's name as people see it; it has no path and no control characters.
             * @default
             */
            filename: string;
            /**
             * Format: uint32
             * @description The height of an uploaded image, in pixels.
             */
            height?: number;
            /** @description The id of the uploaded file, if this system stores it; absent for a reference. */
            id?: string;
            /**
             * @description The client's free-form object.
             * @default {}
             */
            metadata: {
                [key: string]: unknown;
            };
            /**
             * @description The file's type, as in `Content-Type`.
             * @default
             */
            mimeType: string;
            /**
             * Format: uint64
             * @description The file's size in bytes.
             * @default 0
             */
            size: number;
            /** @description Where a small picture of an uploaded image is. */
            thumbnailUrl?: string;
            /** @description `image`, `video` or `document`. */
            type: components["schemas"]["AttachmentKind"];
            /** @description An absolute `https` address, or a path on the same origin. */
            url: string;
            /**
             * Format: uint32
             * @description The width of an uploaded image, in pixels.
             */
            width?: number;
        };
        /** @description What a client does with an attachment. */
        AttachmentKind: "image" | "video" | "document";
        /**
         * @description A file that a message shall have: a reference to one that the host application stores, or the id alone of
         *     one that was uploaded. The ingress fills in what an uploaded file is.
         */
        AttachmentReference: components["schemas"]["FileReference"] | components["schemas"]["UploadedFile"];
        /** @description The callback of `auth`. */
        AuthAnswer: {
            /**
             * @description Always true.
             * @constant
             */
            success: true;
            /** @description The user that the socket belongs to. */
            userId: string;
        };
        /**
         * @description A credential does not hold: as an answer to `auth`, and before the socket is closed because its token has
         *     ended.
         */
        AuthError: {
            /** @description A code for programs. */
            code: components["schemas"]["ErrorCode"];
            /** @description A sentence for people. */
            error: string;
            /**
             * Format: uint64
             * @description Milliseconds until the same event may succeed; absent if it has to be changed first.
             */
            retryAfterMs?: number;
        };
        /** @description `auth`: sign a socket in, or renew the credential of the same user. One of both fields is there. */
        AuthEvent: {
            /**
             * @description A token of the host application.
             * @default null
             */
            token?: string | null;
            /**
             * @description A claim that is compared with what was proved; alone it proves nothing.
             * @default null
             */
            userId?: string | null;
        };
        /** @description The socket belongs to a user now. */
        AuthSuccess: {
            /** @description The user. */
            userId: string;
        };
        /** @description One has blocked somebody, or has ended that, on any of one's devices. Whoever is blocked hears nothing. */
        BlockUpdated: {
            /** @description Whether the block holds now. */
            isBlocked: boolean;
            /**
             * Format: date-time
             * @description When the request was accepted.
             */
            updatedAt: string;
            /** @description Who is blocked. */
            userId: string;
        };
        /** @description What happened to a message, in a client's words. */
        ChangeAction: "edited" | "deleted" | "added" | "removed" | "pinned" | "unpinned";
        /**
         * @description A message that was edited, taken back, reacted to or pinned: the routes below `/messages/{messageId}`, and
         *     the callbacks of `message:edit`, `message:delete`, `reaction:send`, `message:pin` and `message:unpin`.
         */
        ChangeAnswer: {
            /** @description What happened to the message. REST names it for reactions only. */
            action?: components["schemas"]["ChangeAction"];
            /** @description The message as it is now. */
            message: components["schemas"]["MessageWithId"];
            /** @description All reactions on the message; by REST, after a reaction. */
            reactions?: components["schemas"]["Reaction"][];
            /**
             * @description Always true.
             * @constant
             */
            success: true;
        };
        /** @description The fields of a thread that changed. */
        ChangedThread: {
            /** @description The thread. */
            _id: string;
            /** @description Name, picture and owners of the group as they are now, if one of them changed. */
            group?: components["schemas"]["Group"];
            /** @description The thread again. */
            id: string;
            /** @description Whether the thread is shown in the list, if that changed. */
            status?: components["schemas"]["ThreadStatus"];
            /**
             * Format: uint64
             * @description How many messages of others are unread, if that changed.
             */
            unreadCount?: number;
            /**
             * Format: date-time
             * @description When the request was accepted.
             */
            updatedAt: string;
        };
        /** @description By which channels a person wants to be told. */
        Channels: {
            /** @description E-mail. */
            email: boolean;
            /** @description The inbox, and an event. */
            inApp: boolean;
            /** @description Push messages to their devices. */
            push: boolean;
        };
        /**
         * @description A client's own key for what it sends: any text of 1 to 128 bytes. It means nothing to the system, which
         *     compares keys byte by byte and never cleans them.
         */
        ClientKey: string;
        /** @description A new thread, with names and pictures of people in it. */
        CreatedThread: {
            /** @description The id, under the published schema's name. */
            _id: string;
            /**
             * Format: date-time
             * @description When it was created.
             */
            createdAt: string;
            /** @description Name, picture and owners, if the thread was started as a group. */
            group?: components["schemas"]["Group"];
            /** @description The id, under the published schema's name. */
            id: string;
            /**
             * Format: date-time
             * @description When the newest message was accepted.
             */
            lastMessageAt: string | null;
            /** @description The newest message. */
            lastMessageId: string | null;
            /**
             * Format: uint64
             * @description The `seq` of the newest message that the counters include.
             * @default 0
             */
            lastSeq: number;
            /** @description The first 10 people of the thread with names, pictures and roles. */
            members: components["schemas"]["ThreadMember"][];
            /**
             * @description The client's free-form object.
             * @default {}
             */
            metadata: {
                [key: string]: unknown;
            };
            /**
             * Format: uint64
             * @description How many people are in the thread.
             * @default 0
             */
            participantCount: number;
            /** @description The people in the thread, sorted. What a client gets holds the first 50 of them. */
            participants: string[];
            /**
             * @description Whether listings show the thread: the caller's own, since each person archives for themselves.
             * @default active
             */
            status: components["schemas"]["ThreadStatus"];
            /**
             * Format: date-time
             * @description When it last changed.
             */
            updatedAt: string;
        };
        /**
         * @description The caller's read cursor in a thread: the routes that end in `/read`, and the callbacks of `message:read`
         *     and `thread:read`.
         */
        CursorAnswer: {
            /**
             * Format: uint64
             * @description The newest `seq` that the caller has read.
             */
            seq: number;
            /**
             * @description Always true.
             * @constant
             */
            success: true;
            /** @description The thread. */
            threadId: string;
            /**
             * Format: uint64
             * @description How many messages of others the caller has not read.
             */
            unreadCount: number;
        };
        /** @description Receipt: a message was written to a socket of a person. */
        DeliveryReceipt: {
            /**
             * Format: date-time
             * @description When.
             */
            deliveredAt: string;
            /** @description The person. */
            userId: string;
        };
        /** @description How mails are gathered. */
        DigestInterval: {
            /** @description How long mails wait. */
            every: components["schemas"]["Every"];
            /**
             * Format: uint8
             * @description The hour of the day, 0 to 23, at which a daily digest comes.
             */
            hour: number;
        };
        /** @description A draft as it is stored: `/messages/threads/{id}/draft`, and the callback of `draft:save`. */
        DraftAnswer: {
            /** @description The draft; its content is empty if there is none. */
            draft: components["schemas"]["ShownDraft"];
            /**
             * @description Always true.
             * @constant
             */
            success: true;
        };
        /** @description `draft:save`: what one has begun to write. */
        DraftEvent: {
            /**
             * @description The revision that the device knows, 0 if none was ever saved: another one is not overwritten, and the
             *     save is refused with `conflict`. Without it the save overwrites.
             */
            basedOn?: components["schemas"]["Revision"] | null;
            /** @description What the draft says; an empty one deletes it. */
            content: components["schemas"]["MessageContent"];
            /** @description The id of the message that the draft answers, of the same thread. */
            replyTo?: string | null;
            /** @description The thread. */
            threadId: string;
        };
        /** @description One has saved or deleted a draft, on any of one's devices. */
        DraftUpdated: {
            /**
             * @description The draft as it is stored; its content is empty if it was deleted. A device that knows a higher
             *     revision passes the event over.
             */
            draft: components["schemas"]["ShownDraft"];
        };
        /** @description `message:edit`: say it differently. */
        EditMessageEvent: {
            /** @description What the message says from now on; empty only if it has attachments. */
            content: components["schemas"]["MessageContent"];
            /**
             * @description The ids of the people whom the message mentions from now on. Without this field it mentions whom it
             *     mentioned before; an empty list takes all mentions out.
             */
            mentions?: components["schemas"]["NamedUser"][] | null;
            /** @description The message. */
            messageId: string;
        };
        /** @description One emoji, or any short visible text without spaces and markup. */
        Emoji: string;
        /** @description A refusal as the client sees it: `{"success":false,"error":"…","code":"…"}`. */
        ErrorBody: {
            /** @description A code for programs. */
            code: components["schemas"]["ErrorCode"];
            /** @description A sentence for people. */
            error: string;
            /**
             * Format: uint64
             * @description Milliseconds until the same request may succeed; absent if it has to be changed first.
             */
            retryAfterMs?: number;
            /**
             * @description Always false.
             * @constant
             */
            success: false;
        };
        /**
         * @description Why a request was refused. A client acts on the code. `x-statuses` are the HTTP statuses that go with it,
         *     `x-send-again` says how the request may succeed.
         */
        ErrorCode: "unauthenticated" | "token_expired" | "forbidden" | "csrf_failed" | "not_found" | "invalid" | "key_reused" | "too_late" | "conflict" | "not_group" | "erased" | "too_large" | "quota_exceeded" | "wrong_type" | "locked" | "rate_limited" | "unknown" | "unavailable" | "failed";
        /** @description An event was refused that had no callback. */
        EventError: {
            /** @description A code for programs. */
            code: components["schemas"]["ErrorCode"];
            /** @description A sentence for people. */
            error: string;
            /** @description The name of the event that was refused; of a long name that the protocol does not have, the beginning. */
            event: string;
            /**
             * Format: uint64
             * @description Milliseconds until the same event may succeed; absent if it has to be changed first.
             */
            retryAfterMs?: number;
        };
        /** @description How long mails wait for further ones to come along. */
        Every: "immediately" | "15m" | "1h" | "1d";
        /** @description A reference to a file that the host application stores. */
        FileReference: {
            /** @description Shown to people; no path, no quotation mark, no control characters. */
            filename?: string | null;
            /** @description The client's free-form object. */
            metadata?: components["schemas"]["Metadata"] | null;
            /** @description As in `Content-Type`, of which parameters are dropped. It must fit `type`. */
            mimeType?: string | null;
            /**
             * Format: uint64
             * @description Bytes.
             */
            size?: number | null;
            /** @description What a viewer does with the file. */
            type: components["schemas"]["AttachmentKind"];
            /** @description An absolute `https` address, or a path on the same site. */
            url: components["schemas"]["Link"];
        };
        /** @description What a group is called and looks like, who owns it, and what its new people see. */
        Group: {
            /**
             * @description What people see who are added.
             * @default joined
             */
            history: components["schemas"]["History"];
            /** @description What the group is called; `null` if it has no name. */
            name: string | null;
            /**
             * @description Who may change the group and its people, sorted. The others are members.
             * @default []
             */
            owners: string[];
            /** @description Address of its picture; `null` if it has none. */
            picture: string | null;
        };
        /** @description What people see of a group's history who are added to it. */
        History: "all" | "joined";
        /**
         * @description Where a browser may be sent: `https://host…`, or `/path` on the same site.
         *
         *     Everything else can run script (`javascript:`, `data:`), leave the encryption (`http:`), or mean another
         *     host than it seems (`//host`, `\`, user names before `@`). Apostrophes, inner spaces and letters that are
         *     no ASCII, as people write and browsers show them, become `%27`, `%20` and so on: the same address, in the
         *     form in which a browser asks for it.
         */
        Link: string;
        /** @description People were added to a group. Everybody in it hears of it, who was added too. */
        MembersAdded: {
            /**
             * Format: date-time
             * @description When the request to add them was accepted.
             */
            addedAt: string;
            /** @description Who added them. */
            addedBy: string;
            /** @description Who was added, with names and pictures. */
            members: components["schemas"]["ThreadMember"][];
            /**
             * Format: uint64
             * @description How many people are in the thread now.
             */
            participantCount: number;
            /** @description The group. */
            threadId: string;
        };
        /**
         * @description What a message says: clean text of at most 10,000 characters. Whether it may be empty depends on what
         *     comes with it.
         */
        MessageContent: string;
        /** @description A message was taken back. */
        MessageDeleted: {
            /**
             * Format: date-time
             * @description When its sender took the message back.
             */
            deletedAt: string;
            /** @description The message. */
            messageId: string;
            /**
             * Format: uint64
             * @description The message's place in its thread; the place stays.
             */
            seq: number;
            /** @description The message's thread. */
            threadId: string;
        };
        /** @description The message was refused: to the socket that sent it, and its callback. */
        MessageError: {
            /** @description The client's own key. */
            clientMessageId?: string;
            /** @description A code for programs. */
            code: components["schemas"]["ErrorCode"];
            /** @description A sentence for people. */
            error: string;
            /**
             * Format: uint64
             * @description Milliseconds until the same request may succeed; absent if it has to be changed first.
             */
            retryAfterMs?: number;
            /**
             * @description Always false.
             * @constant
             */
            success: false;
            /** @description The thread as the client named it. */
            threadId?: string;
        };
        /** @description `message:delete`: take a message back. */
        MessageEvent: {
            /** @description The message. */
            messageId: string;
        };
        /** @description Somebody pinned a message to its thread, or unpinned it. */
        MessagePinned: {
            /** @description `pinned` or `unpinned`. */
            action: components["schemas"]["ChangeAction"];
            /** @description The message as it is now. */
            message: components["schemas"]["MessageWithId"];
            /** @description Who did it. */
            userId: string;
        };
        /**
         * @description The store has not answered in time: the message will be stored. To the socket that sent it, and its
         *     callback.
         */
        MessageQueued: {
            /** @description The client's own key, if it gave one. */
            clientMessageId: string | null;
            /**
             * Format: uuid
             * @description The command's id, for questions to an operator.
             */
            commandId: string;
            /** @description Always `queued`. */
            status: components["schemas"]["QueuedStatus"];
            /**
             * @description Always true.
             * @constant
             */
            success: true;
            /** @description The thread as the client named it. */
            threadId: string | null;
        };
        /** @description Somebody has read a thread up to a place. */
        MessageReadUpdate: {
            /** @description The newest of `messages`; `null` if there are none. */
            messageId: string | null;
            /** @description The newest messages whose receipts changed, ascending by `seq`. */
            messages: components["schemas"]["Receipted"][];
            /**
             * Format: date-time
             * @description When the request was accepted.
             */
            readAt: string;
            /**
             * Format: uint64
             * @description The newest `seq` that was read.
             */
            seq: number;
            /** @description The thread. */
            threadId: string;
            /** @description Who has read it. */
            userId: string;
        };
        /** @description A message is stored in a thread that one is in. */
        MessageReceived: {
            /** @description The message as it is stored. */
            message: components["schemas"]["MessageWithId"];
        };
        /** @description The message is stored: to the socket that sent it, and its callback. */
        MessageSent: {
            /** @description The client's own key, if it gave one. */
            clientMessageId?: string;
            /**
             * @description The message was stored before, under the same key or as the other half of one click. Absent if it is
             *     new.
             */
            deduplicated?: boolean;
            /** @description The message as it is stored. */
            message: components["schemas"]["MessageWithId"];
            /**
             * @description Always true.
             * @constant
             */
            success: true;
        };
        /** @description How far a message has come with all its recipients. */
        MessageStatus: "sent" | "delivered" | "read";
        /** @description Messages up to a place were delivered to somebody. */
        MessageStatusUpdate: {
            /**
             * Format: date-time
             * @description When the receipt was accepted.
             */
            deliveredAt: string;
            /** @description The newest of `messages`; `null` if there are none. */
            messageId: string | null;
            /** @description The newest messages whose receipts changed, ascending by `seq`. */
            messages: components["schemas"]["Receipted"][];
            /**
             * Format: uint64
             * @description The newest `seq` that was delivered.
             */
            seq: number;
            /** @description The thread. */
            threadId: string;
            /** @description To whom it was delivered. */
            userId: string;
        };
        /** @description A message was edited. */
        MessageUpdated: {
            /** @description The message as it is now. */
            message: components["schemas"]["MessageWithId"];
        };
        /**
         * @description A stored message.
         *
         *     `recipientIds` of the stored schema is not among the fields. It is the thread's participants without the
         *     sender, it is private in large threads, and it would make each frame grow with the thread.
         */
        MessageWithId: {
            /** @description The id, under the published schema's name. */
            _id: string;
            /**
             * @description References to files.
             * @default []
             */
            attachments: components["schemas"]["Attachment"][];
            /** @description The sender's own key, if the sender gave one. */
            clientMessageId?: string;
            /** @description What the message says, as plain text. */
            content: string;
            /**
             * Format: date-time
             * @description When the ingress accepted it.
             */
            createdAt: string;
            /**
             * Format: date-time
             * @description When its sender took it back. The message keeps its place; content, attachments, mentions, reactions
             *     and the pin are gone.
             */
            deletedAt?: string;
            /**
             * @description One receipt for each recipient whose socket has got the message.
             * @default []
             */
            deliveredTo: components["schemas"]["DeliveryReceipt"][];
            /**
             * Format: date-time
             * @description When its sender last edited it.
             */
            editedAt?: string;
            /** @description The id, under the published schema's name. */
            id: string;
            /**
             * @description Always false, because drafts are not sent. The published schema has the field.
             * @default false
             */
            isDraft: boolean;
            /** @description The people of the thread whom the message mentions, sorted; absent if there are none. */
            mentions?: string[];
            /** @description Who has pinned it to its thread, and when. */
            pinned?: components["schemas"]["Pinned"];
            /**
             * @description Reactions in the order in which they came.
             * @default []
             */
            reactions: components["schemas"]["Reaction"][];
            /**
             * @description One receipt for each recipient who has read the message.
             * @default []
             */
            readBy: components["schemas"]["ReadReceipt"][];
            /** @description The message that this one answers, if it is a reply. */
            replyTo?: components["schemas"]["ReplyTo"];
            /** @description The sender. */
            senderId: string;
            /**
             * Format: uint64
             * @description The message's place in its thread: 1, 2, 3 … without gaps. Clients order messages by it, never by a
             *     clock.
             */
            seq: number;
            /**
             * @description How far the message has got with all recipients.
             * @default sent
             */
            status: components["schemas"]["MessageStatus"];
            /** @description The thread that the message belongs to. */
            threadId: string;
            /**
             * Format: date-time
             * @description When it last changed.
             */
            updatedAt: string;
        };
        /** @description A free-form object of the host application. */
        Metadata: {
            [key: string]: unknown;
        };
        /** @description A thread of which somebody wants to be told nothing. */
        Mute: {
            /** @description The thread. */
            threadId: string;
            /**
             * Format: date-time
             * @description When the mute ends; `null` if the person ends it.
             * @default null
             */
            until: string | null;
        };
        /**
         * @description The channels that a person has named for one kind. The others are as for every kind, also when those
         *     change later.
         */
        NamedChannels: {
            /** @description E-mail. */
            email?: boolean;
            /** @description The inbox, and an event. */
            inApp?: boolean;
            /** @description Push messages to their devices. */
            push?: boolean;
        };
        /** @description A user id in a request. */
        NamedUser: string;
        /** @description Why a message was not sent. */
        NotSent: "not_in_thread" | "thread_gone" | "key_reused";
        /** @description What happened to notifications. */
        NotificationAction: "read" | "deleted";
        /** @description A notification is in one's inbox. */
        NotificationReceived: {
            /** @description The notification as it is stored. */
            notification: components["schemas"]["NotificationWithId"];
            /**
             * Format: uint64
             * @description How many notifications one has not read by now; absent if that is not known.
             */
            unreadCount?: number;
        };
        /** @description One has read or deleted notifications, on any of one's devices. */
        NotificationUpdated: {
            /** @description What happened to them. */
            action: components["schemas"]["NotificationAction"];
            /** @description The notification; `null` for all that were created before `updatedAt`. */
            notificationId: string | null;
            /**
             * Format: uint64
             * @description How many notifications one has not read by now; `null` if that is not known.
             */
            unreadCount: number | null;
            /**
             * Format: date-time
             * @description When the request was accepted.
             */
            updatedAt: string;
        };
        /** @description A notification in somebody's inbox. */
        NotificationWithId: {
            /** @description The id; it follows from the command. */
            _id: string;
            /**
             * Format: date-time
             * @description When the ingress accepted it.
             */
            createdAt: string;
            /**
             * @description The sender's free-form object.
             * @default {}
             */
            data: {
                [key: string]: unknown;
            };
            /** @description The id; it follows from the command. */
            id: string;
            /**
             * @description Whether its owner has read it.
             * @default false
             */
            isRead: boolean;
            /** @description Plain text. */
            message: string;
            /**
             * Format: date-time
             * @description When its owner read it.
             * @default null
             */
            readAt: string | null;
            /**
             * @description The conversation that it is about.
             * @default null
             */
            threadId: string | null;
            /** @description One line. */
            title: string;
            /** @description What sort of thing it is. */
            type: string;
            /** @description The owner. */
            userId: string;
        };
        /** @description How far one person has come in a thread. */
        PersonCursors: {
            /**
             * Format: uint64
             * @description The `seq` up to which messages were written to one of the person's sockets.
             */
            deliveredSeq: number;
            /**
             * Format: uint64
             * @description The `seq` up to which the person has read. It stays when they mark messages unread.
             */
            readSeq: number;
            /**
             * Format: uint64
             * @description Only the person themselves is told, and only after they have marked messages unread: messages of
             *     others after this `seq` are unread.
             */
            unreadAfter?: number;
            /** @description The person. */
            userId: string;
        };
        /** @description A message is pinned to its thread. */
        Pinned: {
            /**
             * Format: date-time
             * @description When it was pinned.
             */
            pinnedAt: string;
            /** @description Who pinned it. */
            userId: string;
        };
        /** @description How somebody wants to be told. */
        Preferences: {
            /**
             * @description The channels for every kind that `types` does not name.
             * @default {
             *       "email": true,
             *       "inApp": true,
             *       "push": true
             *     }
             */
            channels: components["schemas"]["Channels"];
            /**
             * @description How mails are gathered.
             * @default {
             *       "every": "immediately",
             *       "hour": 8
             *     }
             */
            digest: components["schemas"]["DigestInterval"];
            /**
             * @description The language of mails and push messages, as RFC 5646 writes it; empty for the system's own.
             * @default
             */
            locale: string;
            /**
             * @description The threads of which they want to be told nothing by e-mail and push.
             * @default []
             */
            mutes: components["schemas"]["Mute"][];
            /**
             * @description The hours in which they want to be told nothing by e-mail and push.
             * @default {
             *       "enabled": false,
             *       "from": "22:00",
             *       "until": "07:00"
             *     }
             */
            quietHours: components["schemas"]["QuietHours"];
            /**
             * @description The time zone of quiet hours and daily digests.
             * @default UTC
             */
            timeZone: components["schemas"]["TimeZoneName"];
            /**
             * @description The channels that were named by kind.
             * @default {}
             */
            types: {
                [key: string]: components["schemas"]["NamedChannels"];
            };
            /**
             * Format: date-time
             * @description When the person set them; `null` while they are the defaults.
             * @default null
             */
            updatedAt: string | null;
            /**
             * @description Whether they want to be told by e-mail and push also while a page is open that they do not look at.
             * @default false
             */
            whenAway: boolean;
        };
        /** @description One has set how one wants to be notified, on any of one's devices. */
        PreferencesUpdated: {
            /** @description The preferences as they are stored. */
            preferences: components["schemas"]["Preferences"];
        };
        /** @description A person's presence, as clients get it. */
        Presence: {
            /**
             * Format: date-time
             * @description When the person was last active; `null` if nobody has ever seen them.
             */
            lastSeen: string | null;
            /** @description Whether the person is there. */
            status: components["schemas"]["Status"];
            /** @description The person. */
            userId: string;
        };
        /** @description How one can choose to be seen. */
        PresenceChoice: "online" | "away";
        /** @description The callback of `presence:update`. */
        PresenceChoiceAnswer: {
            /** @description How the user wants to be seen: `online` or `away`. */
            status: components["schemas"]["Status"];
            /**
             * @description Always true.
             * @constant
             */
            success: true;
        };
        /** @description One has chosen how one wants to be seen, on any of one's devices, for all of them. */
        PresenceChosen: {
            /** @description `away`, or `online` if one wants to be shown as one is. */
            status: components["schemas"]["Status"];
            /**
             * Format: date-time
             * @description When the choice was made.
             */
            updatedAt: string;
        };
        /** @description Whether several people are there: `GET /presence`, and the callback of `presence:sync`. */
        PresenceListAnswer: {
            /** @description The people's presence, in the order asked. */
            presence: components["schemas"]["Presence"][];
            /**
             * @description Always true.
             * @constant
             */
            success: true;
        };
        /** @description How somebody is whom one looks at, when one begins to look. */
        PresenceSync: components["schemas"]["Presence"];
        /** @description `presence:sync`: how these people are, now and from now on. */
        PresenceSyncEvent: {
            /** @description The people; at least one. */
            userIds: components["schemas"]["NamedUser"][];
        };
        /** @description How somebody is whom one looks at, after a change. */
        PresenceUpdate: components["schemas"]["Presence"];
        /** @description `presence:update`: how one wants to be seen. */
        PresenceUpdateEvent: {
            /** @description `away` holds until `online`. */
            status: components["schemas"]["PresenceChoice"];
        };
        /** @description The broker has the command and the store is slow or down: the command will be carried out. */
        QueuedAnswer: {
            /**
             * Format: uuid
             * @description The command's id, for questions to an operator.
             */
            commandId: string;
            /** @description Always `queued`. */
            status: components["schemas"]["QueuedStatus"];
            /**
             * @description Always true.
             * @constant
             */
            success: true;
            /** @description The thread that the command is about, where the answer names it. */
            threadId?: string;
        };
        /**
         * @description The only status of a command that is not done.
         * @constant
         */
        QueuedStatus: "queued";
        /** @description The hours in which somebody wants to be told nothing. They may go over midnight. */
        QuietHours: {
            /** @description Whether they hold. */
            enabled: boolean;
            /** @description When they begin. */
            from: string;
            /** @description When they end; not the time at which they begin. */
            until: string;
        };
        /** @description The beginning of a message that another one answers. */
        Quote: {
            /**
             * @description The first 200 characters of what the message says, without a `<` at the cut; empty if it has only
             *     files, or was taken back.
             */
            content: string;
            /**
             * Format: date-time
             * @description When the message was taken back.
             */
            deletedAt?: string;
            /** @description The name of the message's first file. */
            filename?: string;
            /** @description Who wrote the message. */
            senderId: string;
            /**
             * Format: uint64
             * @description The message's place in the thread.
             */
            seq: number;
        };
        /** @description One person's reaction to a message. */
        Reaction: {
            /**
             * Format: date-time
             * @description When they reacted.
             */
            createdAt: string;
            /** @description The emoji. */
            emoji: string;
            /** @description Who reacted. */
            userId: string;
        };
        /** @description `reaction:send`: put an emoji on a message, or take it off. */
        ReactionEvent: {
            /**
             * @description Whether the emoji is to be there afterwards. Without it, the other way round from what is there.
             * @default toggle
             */
            action?: components["schemas"]["Wish"] | null;
            /** @description The emoji. */
            emoji: components["schemas"]["Emoji"];
            /** @description The message. */
            messageId: string;
        };
        /** @description Somebody put an emoji on a message or took one off. */
        ReactionReceived: {
            /** @description `added` or `removed`. */
            action: components["schemas"]["ChangeAction"];
            /** @description The emoji. */
            emoji: string | null;
            /** @description The message. */
            messageId: string;
            /** @description All reactions that are on the message now. */
            reactions: components["schemas"]["Reaction"][];
            /**
             * Format: uint64
             * @description The message's place in its thread.
             */
            seq: number;
            /** @description The message's thread. */
            threadId: string;
            /** @description Who reacted. */
            userId: string;
        };
        /** @description `message:read`: everything up to a message was read. */
        ReadMessageEvent: {
            /** @description The message. */
            messageId?: string | null;
            /**
             * Format: uint64
             * @description The message's place in its thread; not looked at beside `messageId`.
             * @default null
             */
            seq?: number | null;
            /**
             * @description The message's thread; not looked at beside `messageId`.
             * @default null
             */
            threadId?: string | null;
        };
        /** @description Receipt: a person has read a message. */
        ReadReceipt: {
            /**
             * Format: date-time
             * @description When they read it.
             */
            readAt: string;
            /** @description The reader. */
            userId: string;
        };
        /** @description A message whose receipts changed. */
        Receipted: {
            /** @description The message. */
            _id: string;
            /**
             * Format: uint64
             * @description The message's place in its thread.
             */
            seq: number;
            /** @description How far the message has got with all recipients. */
            status: components["schemas"]["MessageStatus"];
        };
        /** @description A thread of a `sync` that the client may not see. */
        RefusedThread: {
            /** @description A code for programs. */
            code: components["schemas"]["ErrorCode"];
            /** @description A sentence for people. */
            error: string;
            /**
             * Format: uint64
             * @description Milliseconds until the same request may succeed; absent if it has to be changed first.
             */
            retryAfterMs?: number;
            /**
             * @description Always false.
             * @constant
             */
            success: false;
            /** @description The thread as the client named it; at most its first 64 characters. */
            threadId: string;
        };
        /** @description What a message answers. */
        ReplyTo: {
            /** @description The message that this one answers, of the same thread. */
            messageId: string;
            /**
             * @description The beginning of that message. Histories and `sync` always have it; an event, or the answer to a send,
             *     may lack it, and then a client shows what it knows under the id.
             */
            quote?: components["schemas"]["Quote"];
        };
        /**
         * Format: uint64
         * @description The number of a draft's changes.
         */
        Revision: number;
        /** @description What a person may do in a thread. */
        Role: "owner" | "member";
        /**
         * @description A message that waits for its time: `POST /messages/{threadId}` with `sendAt`, the routes below
         *     `/messages/scheduled`, and the callback of `message:send` with `sendAt`.
         */
        ScheduledAnswer: {
            /** @description The message was scheduled before, under the same key. Absent otherwise. */
            deduplicated?: boolean;
            /** @description The message. */
            scheduled: components["schemas"]["ShownScheduled"];
            /**
             * @description Always true.
             * @constant
             */
            success: true;
        };
        /** @description How far a scheduled message has come. */
        ScheduledState: "waiting" | "sending" | "sent" | "failed" | "cancelled";
        /** @description A message of one's own waits for its time, was changed, or waits no more. */
        ScheduledUpdated: {
            /** @description The message, and how far it has come. */
            scheduled: components["schemas"]["ShownScheduled"];
        };
        /** @description `message:send`: say something in a thread. */
        SendMessageEvent: {
            /** @description References to files. */
            attachments?: components["schemas"]["AttachmentReference"][] | null;
            /** @description The client's own key: the same key of the same sender is the same message. */
            clientMessageId?: components["schemas"]["ClientKey"] | null;
            /** @description What the message says. A message with attachments needs no text. */
            content?: components["schemas"]["MessageContent"] | null;
            /** @description The ids of the people whom the message mentions, of the same thread. */
            mentions?: components["schemas"]["NamedUser"][] | null;
            /** @description The id of the message that this one answers, of the same thread. */
            replyTo?: string | null;
            /**
             * Format: date-time
             * @description When the message is to be sent: in 10 seconds at the earliest, and in a year at the latest. Without
             *     it, at once.
             * @default null
             */
            sendAt?: string | number | null;
            /** @description The thread. */
            threadId: string;
        };
        /**
         * Format: uint64
         * @description The place of a message in its thread.
         */
        Seq: number;
        /** @description An operator ends the connection. The credential goes on holding, so the client may connect again. */
        SessionEnded: {
            /** @description Why, in the operator's words. */
            reason: string;
        };
        /** @description What one has begun to write in a thread. */
        ShownDraft: {
            /** @description What the draft says; empty if there is none, or none any more. */
            content: string;
            /** @description The message that the draft answers. */
            replyTo?: string;
            /**
             * Format: uint64
             * @description Counts the changes of the draft, deletions too: 0 before the first.
             */
            revision: number;
            /** @description The thread. */
            threadId: string;
            /**
             * Format: date-time
             * @description When the last change was accepted; `null` before the first.
             */
            updatedAt: string | null;
        };
        /** @description A message that is to be sent later, and how far it has come. */
        ShownScheduled: {
            /** @description The id. */
            _id: string;
            /** @description References to files. */
            attachments: components["schemas"]["Attachment"][];
            /** @description The client's own key, if it gave one. */
            clientMessageId?: string;
            /** @description What the message says. */
            content: string;
            /**
             * Format: date-time
             * @description When it was accepted.
             */
            createdAt: string;
            /**
             * Format: date-time
             * @description When it ended.
             */
            endedAt?: string;
            /** @description The ids of the people whom the message mentions, sorted. Absent if it mentions nobody. */
            mentions?: string[];
            /** @description The message that was stored. */
            messageId?: string;
            /** @description Why it was not sent. */
            reason?: components["schemas"]["NotSent"];
            /** @description The id of the message that this one answers. */
            replyTo?: string;
            /**
             * Format: date-time
             * @description When it is to be sent.
             */
            sendAt: string;
            /** @description How far it has come. */
            state: components["schemas"]["ScheduledState"];
            /** @description The thread. */
            threadId: string;
            /**
             * Format: date-time
             * @description When it was changed last.
             */
            updatedAt: string;
        };
        /** @description Whether a person is there. */
        Status: "online" | "away" | "offline";
        /** @description What a client has missed since the places it named; the callback of `sync`, or the event `sync`. */
        SyncAnswer: {
            /**
             * @description Ids of the caller's threads, without the archived ones, that were created or written to after
             *     `threadsAfter`, most recently active first; only if the request had that field.
             */
            newThreads?: string[];
            /**
             * @description Always true.
             * @constant
             */
            success: true;
            /**
             * @description One entry for each thread that was named, in the same order. Of a thread that the caller is not in it
             *     is a refusal: `{threadId, success: false, error, code: "not_found"}`.
             */
            threads: components["schemas"]["SyncedThread"][];
        };
        /** @description `sync`: everything since these places. */
        SyncEvent: {
            /** @description How many messages the answer may hold, over all threads; default and maximum 500. */
            limit?: components["schemas"]["SyncLimit"] | null;
            /** @description The threads, and how far the client has them. */
            threads?: components["schemas"]["SyncPlace"][] | null;
            /**
             * Format: date-time
             * @description A time of the server, not of the client's clock: the answer then has `newThreads`. Take the newest
             *     `lastMessageAt` or `createdAt` of the threads that the client knows, less a minute: clocks of gateways
             *     differ a little.
             * @default null
             */
            threadsAfter?: string | number | null;
        };
        /**
         * Format: uint
         * @description 1 to 500; a larger number is as good as that.
         */
        SyncLimit: number;
        /** @description How far a client has a thread. */
        SyncPlace: {
            /**
             * Format: uint64
             * @description The newest `seq` that the client has of the thread; default 0.
             * @default 0
             */
            after?: number | null;
            /**
             * Format: uint64
             * @description The `lastChange` of the answer before, or of the first page of the thread's history. Without it the
             *     answer tells nothing of changes but the newest number.
             * @default null
             */
            changesAfter?: number | null;
            /** @description The thread. */
            threadId: string;
        };
        /** @description Messages of one thread that a client lacks. */
        SyncedMessages: {
            /**
             * @description The messages up to `after` that were edited, taken back or reacted to after `changesAfter`, as they
             *     are now; only with `changesAfter`.
             */
            changed?: components["schemas"]["MessageWithId"][];
            /** @description `false`: the answer is full; ask again from the last `seq` and `lastChange`. */
            complete: boolean;
            /**
             * @description How far each person who has received anything has come; only with `changesAfter`, in an entry that is
             *     complete, and in threads of up to 100 people.
             */
            cursors?: components["schemas"]["PersonCursors"][];
            /** @description `true` only if a message or a change in between cannot be had any more. */
            gap: boolean;
            /**
             * Format: uint64
             * @description The change number that the entry goes up to: the next `changesAfter`.
             */
            lastChange: number;
            /** @description The messages after `after`, ascending by `seq`. */
            messages: components["schemas"]["MessageWithId"][];
            /** @description The thread. */
            threadId: string;
        };
        /** @description What became of one thread of a `sync`. */
        SyncedThread: components["schemas"]["SyncedMessages"] | components["schemas"]["RefusedThread"];
        /**
         * @description The answer of `POST /messages/threads/{id}/leave` and of removing somebody, and the callback of
         *     `thread:join`, `thread:leave`, `typing:start` and `typing:stop`.
         */
        ThreadAck: {
            /**
             * @description Always true.
             * @constant
             */
            success: true;
            /** @description The thread that the event named. */
            threadId: string;
        };
        /** @description One is in a new thread, somebody came back to a thread, or people were added to a group. */
        ThreadCreated: {
            /** @description The thread, with the first of its people. */
            thread: components["schemas"]["CreatedThread"];
        };
        /** @description `thread:join`, `thread:leave`, `thread:read`, `typing:start` and `typing:stop`. */
        ThreadEvent: {
            /** @description The thread. */
            threadId: string;
        };
        /** @description Somebody has left a thread or was removed from it. The others hear it, and the person's own devices. */
        ThreadLeft: {
            /**
             * Format: date-time
             * @description When the request to leave, or to remove them, was accepted.
             */
            leftAt: string;
            /**
             * Format: uint64
             * @description How many people are in the thread now.
             */
            participantCount: number;
            /** @description Who removed them, if they did not leave by themselves. */
            removedBy?: string;
            /** @description The thread. */
            threadId: string;
            /** @description Who is not in it any more. */
            userId: string;
        };
        /** @description A person in a thread, as the others see them. */
        ThreadMember: {
            /** @description Address of a picture. */
            avatar: string;
            /** @description The person. */
            id: string;
            /** @description What others call them; their id if nobody knows. */
            name: string;
            /** @description What they may do in the thread. */
            role: components["schemas"]["Role"];
        };
        /** @description Whether listings show a thread. */
        ThreadStatus: "active" | "archived" | "deleted";
        /**
         * @description One has read a thread, put it away or brought it back, on any of one's devices. Or a group has another
         *     name, picture or owners.
         */
        ThreadUpdated: {
            /** @description What changed. */
            thread: components["schemas"]["ChangedThread"];
        };
        /** @description The name of a time zone in the IANA database, e.g. `Europe/Berlin`. */
        TimeZoneName: string;
        /** @description Somebody types in a thread, or has stopped. */
        TypingUpdate: {
            /** @description Whether they type. */
            isTyping: boolean;
            /** @description The thread. */
            threadId: string;
            /** @description Who types. */
            userId: string;
        };
        /** @description `thread:unread`: messages of others are to be unread again. */
        UnreadThreadEvent: {
            /** @description The first of them; without it, the newest message of somebody else. */
            seq?: components["schemas"]["Seq"] | null;
            /** @description The thread. */
            threadId: string;
        };
        /** @description A file of the sender's own that was uploaded, by its id. Everything else about it the server knows. */
        UploadedFile: {
            /** @description The id of the uploaded file. */
            id: string;
            /** @description The client's free-form object. */
            metadata?: components["schemas"]["Metadata"] | null;
        };
        /** @description Whether an emoji is to be there after a reaction. */
        Wish: "add" | "remove" | "toggle";
        /** @description `POST /messages/threads/{id}/members`: people who come into a group. */
        AddMembersBody: {
            /** @description Who comes in. Who is in the group already stays as they are. */
            userIds: components["schemas"]["NamedUser"][];
        };
        /** @description A thread was put away for the caller, or brought back: `DELETE /messages/threads/{id}` and `…/unarchive`. */
        ArchiveAnswer: {
            /** @description The caller's view of the thread from now on. */
            status: components["schemas"]["ThreadStatus"];
            /**
             * @description Always true.
             * @constant
             */
            success: true;
            /** @description The thread. */
            threadId: string;
        };
        /** @description A finished file: `POST /attachments`, and `GET /attachments/{id}/info`. */
        AttachmentAnswer: {
            /** @description The file as a message shows it. A message is sent with its `id`. */
            attachment: components["schemas"]["Attachment"];
            /**
             * Format: date-time
             * @description When it is deleted if no message uses it; absent if one does.
             */
            expiresAt?: string;
            /**
             * @description Always true.
             * @constant
             */
            success: true;
        };
        /** @description What somebody did. */
        AuditAction: "reveal" | "edit" | "discard" | "replay" | "replay_letter" | "replay_refused" | "disconnect" | "erase" | "export";
        /** @description A page of the audit log: `GET /ops/audit`. */
        AuditAnswer: {
            /** @description The entries, newest first. */
            entries: components["schemas"]["ShownAudit"][];
            /** @description The `cursor` that asks for the next page; `null` if this page was not full. */
            nextCursor: string | null;
            /**
             * @description Always true.
             * @constant
             */
            success: true;
        };
        /** @description What `POST /ops/replays` answers. */
        BeginAnswer: components["schemas"]["DryRunAnswer"] | components["schemas"]["ReplayAnswer"];
        /** @description Somebody is blocked: `PUT /users/{id}/block`. */
        BlockAnswer: {
            /**
             * @description The block as it is stored; `null` if the request came before under its key, and the block has ended
             *     since.
             */
            block: components["schemas"]["ListedBlock"] | null;
            /**
             * @description Always true.
             * @constant
             */
            success: true;
        };
        /** @description A page of the people whom one blocks: `GET /users/blocks`. */
        BlocksAnswer: {
            /** @description The blocks, sorted by the id of who is blocked. */
            blocks: components["schemas"]["ListedBlock"][];
            /** @description The `cursor` that asks for the next page; `null` if nothing follows. */
            nextCursor: string | null;
            /**
             * @description Always true.
             * @constant
             */
            success: true;
        };
        /** @description Why a worker could not handle a letter. */
        Cause: "unreadable" | "refused" | "gave_up" | "crashed" | "killed_worker" | "unknown";
        /**
         * @description `PATCH /messages/threads/{id}`: another name or picture for a group. An empty text takes away what is
         *     there. At least one of both fields is there.
         */
        ChangeGroupBody: {
            /** @description What the group is called. */
            name?: components["schemas"]["GroupName"] | null;
            /** @description Address of its picture. */
            picture?: components["schemas"]["PictureChoice"] | null;
        };
        /** @description A way to reach somebody who is not looking. */
        Channel: "email" | "push";
        /** @description A way by which people are told. */
        ChannelWord: "inApp" | "email" | "push";
        /**
         * @description Ways to reach somebody. A channel that is not named is on, or with `PATCH` as it was; of a kind in `types`
         *     it is as for every kind.
         */
        ChannelsBody: {
            /**
             * @description By e-mail.
             * @default null
             */
            email?: boolean | null;
            /**
             * @description In the inbox and by event.
             * @default null
             */
            inApp?: boolean | null;
            /**
             * @description To their devices.
             * @default null
             */
            push?: boolean | null;
        };
        /** @description Channels by type of notification, for at most 100 types. */
        ChannelsByKind: {
            [key: string]: components["schemas"]["ChannelsBody"];
        };
        /** @description Who is connected: `GET /ops/users`. */
        ConnectedAnswer: {
            /**
             * Format: uint64
             * @description How many people are connected.
             */
            connected: number;
            /** @description The cursor of the next page; `null` on the last one. */
            nextCursor: string | null;
            /**
             * @description Always true.
             * @constant
             */
            success: true;
            /** @description One page of those who fit, in the order of their ids. */
            users: components["schemas"]["ConnectedUser"][];
        };
        /** @description Somebody who is connected. */
        ConnectedUser: {
            /** @description The gateways at which they have sockets; `null` if nobody can say. */
            gateways: string[] | null;
            /** @description Their id. */
            id: string;
            /**
             * Format: date-time
             * @description When they last did something.
             */
            lastSeen: string | null;
            /** @description What others call them. */
            name: string;
            /** @description Online or away. */
            status: components["schemas"]["Status"];
        };
        /**
         * @description How many notifications changed: `POST /notifications/{id}/read`, `DELETE /notifications/{id}`, `POST
         *     /notifications/read-all`.
         */
        CountAnswer: {
            /**
             * Format: uint64
             * @description How many notifications changed.
             */
            count: number;
            /**
             * @description Always true.
             * @constant
             */
            success: true;
        };
        /** @description `POST /messages/threads`: start a thread, or find the one of the same people with equal metadata. */
        CreateThreadBody: {
            /**
             * @description Makes the thread a group, whose owner is the caller. Without it the thread keeps the people it was
             *     started with.
             */
            group?: components["schemas"]["GroupBody"] | null;
            /** @description The client's free-form object. */
            metadata?: components["schemas"]["Metadata"] | null;
            /** @description The people in the thread. The caller is one of them whether named or not. */
            participants?: components["schemas"]["NamedUser"][] | null;
        };
        /** @description A token for the header `X-CSRF-Token`: `GET /csrf-token`. */
        CsrfTokenAnswer: {
            /** @description The token; it is bound to the caller's login. */
            csrfToken: string;
            /**
             * @description Always true.
             * @constant
             */
            success: true;
        };
        /** @description What sort of thing somebody was to be told. */
        DeliveredKind: "message" | "mention" | "notification";
        /** @description A page of the delivery log: `GET /notifications/{id}/deliveries`, `GET /users/{id}/deliveries`. */
        DeliveriesAnswer: {
            /** @description What became of it, newest first. */
            deliveries: components["schemas"]["ListedDelivery"][];
            /** @description The `cursor` that asks for the next page; `null` if this page was not full. */
            nextCursor: string | null;
            /**
             * @description Always true.
             * @constant
             */
            success: true;
        };
        /** @description What became of something that somebody was to be told. */
        DeliveryWord: "held" | "folded" | "suppressed" | "sent" | "failed";
        /** @description The device is registered: `POST /devices`. */
        DeviceAnswer: {
            /** @description The device. */
            device: components["schemas"]["ShownDevice"];
            /**
             * @description Always true.
             * @constant
             */
            success: true;
        };
        /**
         * @description `POST /devices`: send the caller's pushes to this device too. One of `subscription` and `fcmToken` is
         *     there.
         */
        DeviceBody: {
            /** @description The registration token of an app, from Firebase Cloud Messaging. */
            fcmToken?: components["schemas"]["FcmToken"] | null;
            /** @description What the owner sees in a list of devices. */
            name?: components["schemas"]["DeviceName"] | null;
            /** @description The subscription of a browser, as `PushSubscription.toJSON()` gives it. */
            subscription?: components["schemas"]["SubscriptionBody"] | null;
        };
        /** @description How a device is reached. */
        DeviceKind: "fcm" | "webpush";
        /** @description What a device is called in a list: one clean line, or nothing. */
        DeviceName: string;
        /** @description The caller's devices: `GET /devices`. */
        DevicesAnswer: {
            /** @description The devices, the newest registration first. */
            devices: components["schemas"]["ShownDevice"][];
            /**
             * @description Always true.
             * @constant
             */
            success: true;
        };
        /** @description How mails are gathered. What is not named is as it was. */
        DigestBody: {
            /**
             * @description How long mails wait.
             * @default null
             */
            every?: components["schemas"]["Every"] | null;
            /**
             * Format: uint8
             * @description The hour of the day at which a daily digest comes.
             * @default null
             */
            hour?: number | null;
        };
        /** @description `POST /ops/discards`: letters that are not to be done. Either `ids` or `filter` is there. */
        DiscardBody: {
            /** @description Everything that waits now and fits. */
            filter?: components["schemas"]["LetterFilterBody"] | null;
            /** @description These letters. */
            ids?: components["schemas"]["LetterReference"][] | null;
            /** @description Why; it is recorded. */
            why: components["schemas"]["Why"];
        };
        /** @description Letters that were discarded: `POST /ops/discards`. */
        DiscardedAnswer: {
            /**
             * Format: uint64
             * @description How many, by this request.
             */
            discarded: number;
            /**
             * Format: uint64
             * @description How many of those that were meant still wait.
             */
            left: number;
            /**
             * @description Always true.
             * @constant
             */
            success: true;
        };
        /** @description `POST /ops/users/{id}/disconnect`: end somebody's connections. */
        DisconnectBody: {
            /** @description Why; it is recorded, and the person is told. */
            why: components["schemas"]["Why"];
        };
        /** @description The request was carried out and there is nothing to show: `POST /users/{id}/revoke`. */
        DoneAnswer: {
            /**
             * @description Always true.
             * @constant
             */
            success: true;
        };
        /** @description `PUT /messages/threads/{id}/draft`: what one has begun to write. */
        DraftBody: {
            /**
             * @description The revision that the device knows, 0 if none was ever saved: another one is not overwritten, and the
             *     save is refused with `conflict`. Without it the save overwrites.
             */
            basedOn?: components["schemas"]["Revision"] | null;
            /** @description What the draft says; an empty one deletes it. */
            content: components["schemas"]["MessageContent"];
            /** @description The id of the message that the draft answers, of the same thread. */
            replyTo?: string | null;
        };
        /** @description A page of one's drafts: `GET /messages/drafts`. */
        DraftsAnswer: {
            /** @description The drafts that have a text; what was saved last comes first. */
            drafts: components["schemas"]["ShownDraft"][];
            /** @description The `cursor` that asks for the next page; `null` if nothing follows. */
            nextCursor: string | null;
            /**
             * @description Always true.
             * @constant
             */
            success: true;
        };
        /** @description What a replay would do with the letters that were looked at. */
        DryRun: {
            /**
             * Format: uint64
             * @description Letters that were looked at.
             */
            looked: number;
            /** @description Where those that can be sent would go. */
            queues: components["schemas"]["DryRunQueue"][];
            /** @description Some of those that would not be sent. */
            refused: components["schemas"]["DryRunRefusal"][];
            /**
             * Format: uint64
             * @description Letters that would be sent.
             */
            replayable: number;
            /**
             * Format: uint64
             * @description All letters that wait and were meant.
             */
            total: number;
        };
        /** @description What a replay would do: `POST /ops/replays` with `dryRun`. */
        DryRunAnswer: {
            /** @description What it would do. */
            dryRun: components["schemas"]["DryRun"];
            /**
             * @description Always true.
             * @constant
             */
            success: true;
        };
        /** @description A queue to which letters would go. */
        DryRunQueue: {
            /**
             * Format: uint64
             * @description How many.
             */
            count: number;
            /** @description The queue. */
            queue: string;
        };
        /** @description A letter that would not be sent. */
        DryRunRefusal: {
            /** @description The letter. */
            _id: string;
            /** @description Why not. */
            reason: string;
        };
        /** @description What a message said until it was edited. */
        EarlierWording: {
            /** @description The text. */
            content: string;
            /**
             * Format: date-time
             * @description When the text was sent, or came by an edit.
             */
            writtenAt: string;
        };
        /** @description `PUT /ops/dead-letters/{id}/body`: give a letter another body. */
        EditLetterBody: {
            /** @description The whole body, as a reveal shows it. */
            body: {
                [key: string]: unknown;
            };
            /**
             * Format: uint32
             * @description The version that was edited.
             */
            version: number;
            /** @description Why; it is recorded. */
            why: components["schemas"]["Why"];
        };
        /** @description `PATCH` or `PUT /messages/{messageId}`: say it differently. */
        EditMessageBody: {
            /** @description What the message says from now on; empty only if it has attachments. */
            content: components["schemas"]["MessageContent"];
            /**
             * @description The ids of the people whom the message mentions from now on. Without this field it mentions whom it
             *     mentioned before; an empty list takes all mentions out.
             */
            mentions?: components["schemas"]["NamedUser"][] | null;
        };
        /** @description A letter that was edited: `PUT /ops/dead-letters/{id}/body`. */
        EditedLetterAnswer: {
            /** @description The letter with its new version. */
            letter: components["schemas"]["ShownLetter"];
            /**
             * @description Always true.
             * @constant
             */
            success: true;
        };
        /** @description What a message said before: `GET /messages/{messageId}/edits`. */
        EditsAnswer: {
            /**
             * @description The earlier wordings, oldest first; what the message says now is not among them. At most
             *     [`crate::wording::WORDINGS_MAX`].
             */
            edits: components["schemas"]["EarlierWording"][];
            /**
             * @description Whether these are all. `false`: the message was edited more often than wordings are kept, or before
             *     the server kept them.
             */
            isComplete: boolean;
            /** @description The message. */
            messageId: string;
            /**
             * @description Always true.
             * @constant
             */
            success: true;
        };
        /**
         * Format: idn-email
         * @description One address to which mails can be sent, without a display name.
         */
        EmailAddress: string;
        /** @description `POST /users/{id}/erase`: erase everything that a person has left here. It cannot be undone. */
        EraseBody: {
            /** @description The id in the path once more, so that a slip erases nobody. */
            userId: string;
            /** @description Why; it is recorded. */
            why: components["schemas"]["Why"];
        };
        /** @description What was erased. */
        ErasedCounts: {
            /**
             * Format: uint64
             * @description People whom the person had blocked.
             * @default 0
             */
            blocks: number;
            /**
             * Format: uint64
             * @description Dead letters that carried something of the person.
             * @default 0
             */
            deadLetters: number;
            /**
             * Format: uint64
             * @description Rows of the delivery log.
             * @default 0
             */
            deliveries: number;
            /**
             * Format: uint64
             * @description Push devices.
             * @default 0
             */
            devices: number;
            /**
             * Format: uint64
             * @description Drafts.
             * @default 0
             */
            drafts: number;
            /**
             * Format: uint64
             * @description Uploaded files.
             * @default 0
             */
            files: number;
            /**
             * Format: uint64
             * @description Groups that the person was taken out of.
             * @default 0
             */
            groups: number;
            /**
             * Format: uint64
             * @description Messages that were taken back.
             * @default 0
             */
            messages: number;
            /**
             * Format: uint64
             * @description Notifications.
             * @default 0
             */
            notifications: number;
            /**
             * Format: uint64
             * @description Reactions.
             * @default 0
             */
            reactions: number;
            /**
             * Format: uint64
             * @description Reports whose words were removed.
             * @default 0
             */
            reports: number;
            /**
             * Format: uint64
             * @description Scheduled messages.
             * @default 0
             */
            scheduled: number;
        };
        /** @description An erasure: `POST /users/{id}/erase`, `GET /users/{id}/erase`. */
        ErasureAnswer: {
            /** @description The person was to be erased before; that erasure goes on, or is done. Absent otherwise. */
            deduplicated?: boolean;
            /** @description The erasure. */
            erasure: components["schemas"]["ShownErasure"];
            /**
             * @description Always true.
             * @constant
             */
            success: true;
        };
        /** @description How far an erasure has come. */
        ErasureState: "running" | "done";
        /**
         * @description One line of `GET /users/{id}/export`. The first is an `export`, the last an `end`; a file without its end
         *     was cut off.
         */
        ExportRecord: {
            /**
             * Format: date-time
             * @description When the export was begun.
             */
            exportedAt: string;
            /** @constant */
            kind: "export";
            /** @description The person. */
            userId: string;
            /**
             * Format: uint32
             * @description [`EXPORT_VERSION`].
             */
            version: number;
        } | {
            /** @constant */
            kind: "person";
            /** @description Name, picture, address and role; `null` if it says nothing. */
            profile: components["schemas"]["Profile"] | null;
        } | {
            /**
             * Format: date-time
             * @description When.
             */
            at: string;
            /** @constant */
            kind: "revocation";
            /** @description The login; `null` for all. */
            session: string | null;
        } | {
            /** @constant */
            kind: "preferences";
            /** @description As they are stored. */
            preferences: components["schemas"]["Preferences"];
        } | {
            /** @constant */
            kind: "suppression";
            /** @description The entry. */
            suppression: components["schemas"]["SuppressedAddress"];
        } | {
            /**
             * Format: date-time
             * @description Since when.
             */
            at: string;
            /** @constant */
            kind: "block";
            /** @description Whom. */
            userId: string;
        } | {
            /** @description The device. */
            device: components["schemas"]["ShownDevice"];
            /** @constant */
            kind: "device";
        } | {
            /** @description The draft. */
            draft: components["schemas"]["ShownDraft"];
            /** @constant */
            kind: "draft";
        } | {
            /** @constant */
            kind: "scheduled";
            /** @description The message. */
            scheduled: components["schemas"]["ShownScheduled"];
        } | {
            /** @constant */
            kind: "notification";
            /** @description The notification. */
            notification: components["schemas"]["Notification"];
        } | {
            /** @description The row. */
            delivery: components["schemas"]["ListedDelivery"];
            /** @constant */
            kind: "delivery";
        } | {
            /**
             * Format: date-time
             * @description When.
             */
            createdAt: string;
            /** @description The report. */
            id: string;
            /** @constant */
            kind: "report";
            /** @description The message. */
            messageId: string;
            /** @description What is wrong with it. */
            reason: components["schemas"]["ReportReason"];
            /** @description What the person said about it. */
            text: string;
        } | components["schemas"]["ExportedFile"] | components["schemas"]["ExportedThread"] | components["schemas"]["ExportedMessage"] | {
            /** @description What it said. */
            content: string;
            /** @constant */
            kind: "wording";
            /** @description The message. */
            messageId: string;
            /**
             * Format: date-time
             * @description When that was written.
             */
            writtenAt: string;
        } | {
            /**
             * Format: date-time
             * @description When.
             */
            createdAt: string;
            /** @description The sign. */
            emoji: string;
            /** @constant */
            kind: "reaction";
            /** @description The message. */
            messageId: string;
            /** @description Its thread. */
            threadId: string;
        } | {
            /** @constant */
            kind: "pin";
            /** @description The message. */
            messageId: string;
            /**
             * Format: date-time
             * @description When.
             */
            pinnedAt: string;
            /** @description Its thread. */
            threadId: string;
        } | {
            /**
             * Format: date-time
             * @description When it was sent.
             */
            createdAt: string;
            /** @constant */
            kind: "mention";
            /** @description The message. */
            messageId: string;
            /** @description Its thread. */
            threadId: string;
        } | {
            /** @description How many records there are of each other kind. */
            counts: {
                [key: string]: number;
            };
            /** @constant */
            kind: "end";
        };
        /** @description A file as an export has it. Its bytes are got from the address, by whoever may see the file. */
        ExportedFile: {
            /**
             * Format: date-time
             * @description When the upload was begun.
             */
            createdAt: string;
            /** @description The id. */
            id: string;
            /** @description The messages that use it. */
            messageIds: string[];
            /** @description The type of its bytes; `null` before they are all there. */
            mimeType: string | null;
            /** @description Its name. */
            name: string;
            /** @description SHA-256 of its bytes, in hexadecimal digits. */
            sha256: string | null;
            /**
             * Format: uint64
             * @description Bytes.
             */
            size: number | null;
            /** @description How far it is. */
            state: string;
            /** @description Where its bytes are. */
            url: string;
        };
        /** @description A message as an export has it: what its sender has made, and nothing of others. */
        ExportedMessage: {
            /** @description References to files. */
            attachments: components["schemas"]["Attachment"][];
            /** @description The client's own key, if it gave one. */
            clientMessageId?: string;
            /** @description What the message says; empty if it was taken back. */
            content: string;
            /**
             * Format: date-time
             * @description When it was accepted.
             */
            createdAt: string;
            /**
             * Format: date-time
             * @description When it was taken back.
             */
            deletedAt?: string;
            /**
             * Format: date-time
             * @description When it was edited last.
             */
            editedAt?: string;
            /** @description The id. */
            id: string;
            /** @description The people whom it mentions. */
            mentions?: string[];
            /** @description The message that it answers. */
            replyTo?: string;
            /**
             * Format: uint64
             * @description Its place in the thread.
             */
            seq: number;
            /** @description The thread. */
            threadId: string;
        };
        /** @description A thread as an export has it. */
        ExportedThread: {
            /**
             * Format: date-time
             * @description When the thread was started.
             */
            createdAt: string;
            /**
             * Format: uint64
             * @description Up to which message it was delivered to the person.
             */
            deliveredSeq: number;
            /** @description What the thread is called and looks like, if it is a group. */
            group?: components["schemas"]["Group"];
            /** @description The id. */
            id: string;
            /** @description Whether the person has put it away. */
            isArchived: boolean;
            /** @description Whether the person is in it now. */
            isMember: boolean;
            /**
             * Format: date-time
             * @description When the person was added; `null` for whoever was there from the beginning.
             */
            joinedAt: string | null;
            /**
             * @description The client's object.
             * @default {}
             */
            metadata: {
                [key: string]: unknown;
            };
            /**
             * Format: uint64
             * @description Up to which message the person has read it.
             */
            readSeq: number;
            /** @description What the person may do in it. */
            role: components["schemas"]["Role"];
        };
        /** @description The registration token of an app. */
        FcmToken: string;
        /** @description A page of people who were found by name: `GET /users/search`. */
        FoundUsersAnswer: {
            /**
             * @description The `cursor` that goes on with the same query; `null` if nothing follows. A page may have fewer people
             *     than were asked for, or none, and still have one.
             */
            nextCursor: string | null;
            /**
             * @description Always true.
             * @constant
             */
            success: true;
            /**
             * @description The people: whoever has the id that was asked for, then in the order of the words by which they were
             *     found.
             */
            users: components["schemas"]["Participant"][];
        };
        /** @description The socket gateways: `GET /ops/gateways`. */
        GatewaysAnswer: {
            /** @description Those that reported lately, and those that may still have people. */
            gateways: components["schemas"]["ListedGateway"][];
            /**
             * @description Always true.
             * @constant
             */
            success: true;
            /**
             * Format: date-time
             * @description When the answer was made.
             */
            timestamp: string;
            /** @description Why a field is `null`, by the name of the field. */
            unknown: {
                [key: string]: string;
            };
        };
        /** @description How a new group looks, and what people see who are added to it. */
        GroupBody: {
            /**
             * @description What people see who are added: `joined` (the default) is what is sent after that, `all` everything.
             * @default joined
             */
            history?: components["schemas"]["History"] | null;
            /** @description What the group is called. */
            name?: components["schemas"]["GroupName"] | null;
            /** @description Address of its picture: `https`, or a path of the same site. */
            picture?: components["schemas"]["Link"] | null;
        };
        /** @description What a group is called: one clean line, or an empty text for no name. */
        GroupName: string;
        /** @description That a report is handled. */
        Handled: {
            /**
             * Format: date-time
             * @description When.
             */
            at: string;
            /** @description By which administrator. */
            by: string;
            /** @description What came of it; empty if nothing was said. */
            note: string;
        };
        /** @description `PUT /reports/{id}/handled`: mark a report as handled. */
        HandledBody: {
            /** @description What came of it. */
            note?: components["schemas"]["Why"] | null;
        };
        /**
         * @description A place in the text of a message that was looked for, in UTF-16 units, as JavaScript counts:
         *     `content.slice(start, end)`.
         */
        Highlight: {
            /**
             * Format: uint32
             * @description The unit after the last one.
             */
            end: number;
            /**
             * Format: uint32
             * @description The first unit.
             */
            start: number;
        };
        /** @description A page of a thread's messages: `GET /messages/{threadId}`. */
        HistoryAnswer: {
            /** @description How far everybody has come; only on a page of changes, in a thread of up to 100 people. */
            cursors?: components["schemas"]["PersonCursors"][];
            /** @description Only on a page of changes: whether the thread has never had the change number that was asked for. */
            gap?: boolean;
            /**
             * Format: uint64
             * @description The change number that this page goes up to: what `changesAfter` asks for later.
             */
            lastChange: number;
            /** @description The messages, ascending by `seq`; on a page of changes in the order of their changes. */
            messages: components["schemas"]["MessageWithId"][];
            /** @description The `cursor` that asks for the next page in the same direction; `null` if nothing follows. */
            nextCursor: string | null;
            /**
             * @description Always true.
             * @constant
             */
            success: true;
        };
        /** @description A queue that workers consume. */
        Hop: {
            /**
             * Format: uint64
             * @description Live consumers, active or waiting.
             */
            consumers: number | null;
            /**
             * Format: double
             * @description Commands or events that come in, per second. One process counts them itself; in a fleet each process
             *     counts its own, in its metrics.
             */
            inPerSecond: number | null;
            /**
             * @description Whether the owner says that it consumes the queue; `false` for more than a moment is a fault; `null`
             *     if no worker has shards of it.
             */
            isConsumed: boolean | null;
            /**
             * Format: uint64
             * @description Messages that wait for a consumer. A message carries up to 256 commands or events.
             */
            messages: number | null;
            /**
             * Format: uint64
             * @description How long the oldest message is in the queue, delivered or not; `null` with RabbitMQ, which does not
             *     tell, and of an empty queue.
             */
            oldestAgeMs: number | null;
            /**
             * Format: double
             * @description Commands or events that are carried out, per second, over the last 6 s. In a fleet the workers that
             *     share shards tell it; the workers of the other queues count in their metrics.
             */
            outPerSecond: number | null;
            /** @description The worker that owns the shard, by the assignment that all workers make of the workers they hear. */
            owner: string | null;
            /** @description Why the broker could not be asked for the queue; then the other figures are `null`. */
            problem: string | null;
            /** @description The queue's name at the broker. */
            queue: string;
            /**
             * Format: uint16
             * @description The shard; `null` of a queue that is not split by thread.
             */
            shard: number | null;
            /** @description The worker that waits behind the owner. */
            spare: string | null;
            /** @description The stage, e.g. `persist`. */
            stage: string;
        };
        /** @description One dead letter: `GET /ops/dead-letters/{id}` and `POST …/reveal`. */
        LetterAnswer: {
            /** @description What it carries, masked unless it is revealed; `null` if nobody can read it. */
            body: unknown;
            /** @description Why nobody can read it. */
            bodyError: string | null;
            /** @description What happened to it, the oldest first. */
            history: components["schemas"]["ShownHappened"][];
            /** @description The letter. */
            letter: components["schemas"]["ShownLetter"];
            /** @description The bytes of a revealed letter that nobody can read, in Base64. */
            raw: string | null;
            /** @description The body is as it is. */
            revealed: boolean;
            /**
             * @description Always true.
             * @constant
             */
            success: true;
            /** @description Its bodies, the oldest first. */
            versions: components["schemas"]["ShownVersion"][];
        };
        /** @description What happened to a letter. */
        LetterEventWord: "failed" | "replayed" | "refused" | "edited" | "discarded";
        /** @description Which letters are meant; what is not named is anything. */
        LetterFilterBody: {
            /**
             * @description Why they failed last.
             * @default null
             */
            cause?: components["schemas"]["Cause"] | null;
            /**
             * Format: date-time
             * @description They failed last at this time or later.
             * @default null
             */
            from?: string | number | null;
            /**
             * @description What they ask for or tell.
             * @default null
             */
            kind?: string | null;
            /**
             * @description The queue that they came from.
             * @default null
             */
            queue?: string | null;
            /**
             * Format: date-time
             * @description They failed last before this time.
             * @default null
             */
            to?: string | number | null;
        };
        /** @description Dead letters that failed for one cause: `GET /ops/dead-letters/groups`. */
        LetterGroupsAnswer: {
            /** @description The groups, the largest first. */
            groups: components["schemas"]["ShownGroup"][];
            /**
             * @description Always true.
             * @constant
             */
            success: true;
        };
        /** @description The id of a dead letter in a request. */
        LetterReference: string;
        /** @description What becomes of a letter. */
        LetterState: "waiting" | "replaying" | "replayed" | "discarded";
        /** @description A page of the dead letters: `GET /ops/dead-letters`. */
        LettersAnswer: {
            /** @description The letters, the one that failed last first. */
            letters: components["schemas"]["ShownLetter"][];
            /** @description The `cursor` that asks for the next page; `null` if this page was not full. */
            nextCursor: string | null;
            /**
             * @description Always true.
             * @constant
             */
            success: true;
        };
        /** @description Somebody whom one blocks. */
        ListedBlock: {
            /**
             * Format: date-time
             * @description Since when.
             */
            blockedAt: string;
            /** @description Who is blocked. */
            user: components["schemas"]["Participant"];
        };
        /**
         * @description What became of one message or notification that somebody was to be told by one channel. Only the fields of
         *     its outcome are there.
         */
        ListedDelivery: {
            /** @description What the provider answered. */
            answer?: string;
            /**
             * Format: date-time
             * @description When.
             */
            at: string;
            /** @description The channel. */
            channel: components["schemas"]["Channel"];
            /** @description The message that it is about. */
            messageId?: string;
            /** @description The notification that it is about. */
            notificationId?: string;
            /** @description What became of it. */
            outcome: components["schemas"]["DeliveryWord"];
            /** @description Who took it. */
            provider?: string;
            /** @description Why it was not sent. */
            reason?: components["schemas"]["Reason"];
            /** @description The thread of the message. */
            threadId?: string;
            /** @description What sort of thing it is. */
            type: components["schemas"]["DeliveredKind"];
            /**
             * Format: date-time
             * @description When it is to be sent.
             */
            until?: string;
            /** @description The person. */
            userId: string;
            /** @description What it waits for. */
            waitsFor?: components["schemas"]["WaitsFor"];
            /** @description The mail or push message that it is part of. */
            windowId?: components["schemas"]["WindowId"];
        };
        /** @description A socket gateway. */
        ListedGateway: {
            /**
             * Format: uint64
             * @description Messages for its sockets that it has not taken.
             */
            backlog: number | null;
            /** @description The gateway. */
            id: string;
            /** @description Why its queue could not be asked for. */
            problem: string | null;
            /**
             * Format: uint64
             * @description Age of its report.
             */
            reportAgeMs: number | null;
            /**
             * Format: uint64
             * @description Threads that somebody there has open.
             */
            rooms: number | null;
            /**
             * Format: uint64
             * @description Open sockets.
             */
            sockets: number | null;
            /**
             * Format: uint64
             * @description People who type there.
             */
            typing: number | null;
        };
        /** @description A thread as one person's list shows it. */
        ListedThread: {
            /** @description The id, under the published schema's name. */
            _id: string;
            /**
             * Format: date-time
             * @description When it was created.
             */
            createdAt: string;
            /** @description Name, picture and owners, if the thread was started as a group. */
            group?: components["schemas"]["Group"];
            /** @description The id, under the published schema's name. */
            id: string;
            /** @description The newest message, for a preview. */
            lastMessage: components["schemas"]["MessageWithId"] | null;
            /**
             * Format: date-time
             * @description When the newest message was accepted.
             */
            lastMessageAt: string | null;
            /** @description The newest message. */
            lastMessageId: string | null;
            /**
             * Format: uint64
             * @description The `seq` of the newest message that the counters include.
             * @default 0
             */
            lastSeq: number;
            /**
             * @description The first 10 people of the thread with names, pictures and roles, the viewer among them; the others
             *     come from `GET /messages/threads/{id}/members`.
             */
            members: components["schemas"]["ThreadMember"][];
            /**
             * @description The client's free-form object.
             * @default {}
             */
            metadata: {
                [key: string]: unknown;
            };
            /** @description Whom the viewer talks to, with a name and a picture. */
            participant: components["schemas"]["ThreadCompanion"];
            /**
             * Format: uint64
             * @description How many people are in the thread.
             * @default 0
             */
            participantCount: number;
            /** @description The people in the thread, sorted. What a client gets holds the first 50 of them. */
            participants: string[];
            /**
             * @description Whether listings show the thread: the caller's own, since each person archives for themselves.
             * @default active
             */
            status: components["schemas"]["ThreadStatus"];
            /**
             * Format: uint64
             * @description How many messages of others the viewer has not read.
             */
            unreadCount: number;
            /**
             * Format: uint64
             * @description How many of them mention the viewer.
             */
            unreadMentions: number;
            /**
             * Format: date-time
             * @description When it last changed.
             */
            updatedAt: string;
        };
        /** @description A worker that shares the shards of a stage with others. */
        ListedWorker: {
            /** @description The shards that it consumes, active or waiting behind another worker. */
            holds: number[];
            /** @description What tells it apart from the others. */
            id: string;
            /** @description Host and process; `null` if it does not say. */
            place: string | null;
            /**
             * Format: uint16
             * @description Number of shards that it was told of; of a gateway, by which it sends.
             */
            shards: number;
            /** @description The stage; `gateway` for a gateway of a fleet, which follows the number of shards. */
            stage: string;
            /** @description Version of its program. */
            version: string;
        };
        /** @description The name of a language, or nothing. */
        LocaleName: string;
        /** @description One login of a person: 64 hexadecimal digits. */
        LoginId: string;
        /** @description A page of the people in a thread with their roles: `GET /messages/threads/{id}/members`. */
        MembersAnswer: {
            /** @description The people, with names, pictures and roles, sorted by id. */
            members: components["schemas"]["ThreadMember"][];
            /** @description The `cursor` that asks for the next page; `null` if this page was not full. */
            nextCursor: string | null;
            /**
             * Format: uint64
             * @description How many people are in the thread.
             */
            participantCount: number;
            /**
             * @description Always true.
             * @constant
             */
            success: true;
        };
        /** @description A message that is stored: `POST /messages/{threadId}`. */
        MessageAnswer: {
            /**
             * @description The message was stored before, under the same key or as the other half of one click. Absent if it is
             *     new.
             */
            deduplicated?: boolean;
            /** @description The message as it is stored. */
            message: components["schemas"]["MessageWithId"];
            /**
             * @description Always true.
             * @constant
             */
            success: true;
        };
        /** @description A thread of which the caller wants to be told nothing. */
        MuteBody: {
            /** @description The thread. */
            threadId: components["schemas"]["MutedThread"];
            /**
             * Format: date-time
             * @description When the mute ends; never if it is not named.
             * @default null
             */
            until?: string | number | null;
        };
        /** @description How long a thread that the path names is muted. */
        MuteEndBody: {
            /**
             * Format: date-time
             * @description When the mute ends; never if it is not named.
             * @default null
             */
            until?: string | number | null;
        };
        /** @description The thread that a mute names. Nobody looks whether there is one: a mute of no thread does nothing. */
        MutedThread: string;
        /** @description A notification in somebody's inbox. */
        Notification: {
            /** @description The id; it follows from the command. */
            _id: string;
            /**
             * Format: date-time
             * @description When the ingress accepted it.
             */
            createdAt: string;
            /**
             * @description The sender's free-form object.
             * @default {}
             */
            data: {
                [key: string]: unknown;
            };
            /**
             * @description Whether its owner has read it.
             * @default false
             */
            isRead: boolean;
            /** @description Plain text. */
            message: string;
            /**
             * Format: date-time
             * @description When its owner read it.
             * @default null
             */
            readAt: string | null;
            /**
             * @description The conversation that it is about.
             * @default null
             */
            threadId: string | null;
            /** @description One line. */
            title: string;
            /** @description What sort of thing it is. */
            type: string;
            /** @description The owner. */
            userId: string;
        };
        /**
         * @description `POST /notifications`: tell people something.
         *
         *     With `userIds` and `userId` alone the answer says what became of each person. With `to`, `sendAt` or
         *     `template` it is a send, which goes on after the answer.
         */
        NotificationBody: {
            /** @description The ways beside the inbox by which people may be told; all of them if it is not named. */
            channels?: components["schemas"]["ChannelWord"][] | null;
            /** @description The sender's own key: the same key of the same sender to the same person is the same notification. */
            clientNotificationId?: components["schemas"]["ClientKey"] | null;
            /** @description The host application's free-form object; a template takes its values from it. */
            data?: components["schemas"]["Metadata"] | null;
            /** @description The text. */
            message?: components["schemas"]["NotificationText"] | null;
            /** @description How urgent it is. */
            priority?: components["schemas"]["PriorityWord"] | null;
            /**
             * Format: date-time
             * @description When a send begins; at once if it is not named.
             * @default null
             */
            sendAt?: string | number | null;
            /** @description The template that title and text are made from, instead of `title` and `message`. */
            template?: components["schemas"]["TemplateName"] | null;
            /** @description The conversation it is about. */
            threadId?: string | null;
            /** @description One line. */
            title?: components["schemas"]["NotificationTitle"] | null;
            /** @description Who is told by a send; not together with `userIds` and `userId`. */
            to?: components["schemas"]["RecipientsBody"] | null;
            /** @description What sort of thing it is, e.g. `order_update`. */
            type?: components["schemas"]["NotificationKind"] | null;
            /** @description One person more. */
            userId?: components["schemas"]["NamedUser"] | null;
            /** @description The people; together with `userId` at least one. */
            userIds?: components["schemas"]["NamedUser"][] | null;
        };
        /** @description The kind of a notification: short and plain, because kinds become map keys. */
        NotificationKind: string;
        /** @description The text of a notification: clean, and perhaps empty. */
        NotificationText: string;
        /** @description The title of a notification: one clean line. */
        NotificationTitle: string;
        /** @description A page of the caller's inbox: `GET /notifications`. */
        NotificationsAnswer: {
            /** @description The `cursor` that asks for the next page; `null` if this page was not full. */
            nextCursor: string | null;
            /** @description The notifications, newest first. */
            notifications: components["schemas"]["NotificationWithId"][];
            /**
             * @description Always true.
             * @constant
             */
            success: true;
            /**
             * Format: uint64
             * @description How many notifications the caller has not read, on all pages.
             */
            unreadCount: number;
        };
        /** @description What became of each person's notification: `POST /notifications`. */
        NotifiedAnswer: {
            /** @description The request was carried out before and nothing of it is new. Absent otherwise. */
            deduplicated?: boolean;
            /** @description People whose notification was refused or could not be stored. */
            failed: string[];
            /** @description The first of `notifications`, for requests that name one person. */
            notification: components["schemas"]["NotificationWithId"] | null;
            /** @description The notifications that are stored. */
            notifications: components["schemas"]["NotificationWithId"][];
            /** @description Commands that the broker has and the store has not done yet. */
            queued: string[];
            /**
             * @description Always true.
             * @constant
             */
            success: true;
            /** @description People who do not want such notifications in their inbox. */
            unwanted: string[];
        };
        /** @description What `POST /notifications` answers. */
        NotifyAnswer: components["schemas"]["NotifiedAnswer"] | components["schemas"]["SendAnswer"];
        /** @description How often something became of a notification. */
        OutcomeCount: {
            /** @description The channel. */
            channel: components["schemas"]["Channel"];
            /**
             * Format: uint64
             * @description Rows of the delivery log that say so.
             */
            deliveries: number;
            /** @description What became of it. */
            outcome: components["schemas"]["DeliveryWord"];
            /** @description Why it was not sent. */
            reason: components["schemas"]["Reason"] | null;
        };
        /** @description What became of notifications by e-mail and push: `GET /ops/outcomes`. */
        OutcomesAnswer: {
            /** @description By channel, the most frequent first. */
            outcomes: components["schemas"]["OutcomeCount"][];
            /**
             * Format: date-time
             * @description From when on they are counted.
             */
            since: string;
            /**
             * @description Always true.
             * @constant
             */
            success: true;
        };
        /** @description A report as its author sees it. */
        OwnReport: {
            /**
             * Format: date-time
             * @description When the message was reported.
             */
            createdAt: string;
            /** @description The report. */
            id: string;
            /** @description What is wrong with the message. */
            reason: components["schemas"]["ReportReason"];
            /** @description More about that; empty if nothing was said. */
            text: string;
        };
        /** @description A part that cannot be used. */
        PartProblem: {
            /** @description The part. */
            part: string;
            /**
             * Format: uint64
             * @description For how many seconds that was seen.
             */
            seconds: number;
            /** @description Why it cannot be used. */
            why: string;
        };
        /** @description How a person is shown to others. */
        Participant: {
            /** @description Address of a picture. */
            avatar: string;
            /** @description The person. */
            id: string;
            /** @description What others call them; their id if nobody knows. */
            name: string;
        };
        /** @description A page of the people in a thread: `GET /messages/threads/{id}/participants`. */
        ParticipantsAnswer: {
            /** @description The `cursor` that asks for the next page; `null` if this page was not full. */
            nextCursor: string | null;
            /**
             * Format: uint64
             * @description How many people are in the thread.
             */
            participantCount: number;
            /** @description The people, with names and pictures, sorted by id. */
            participants: components["schemas"]["Participant"][];
            /**
             * @description Always true.
             * @constant
             */
            success: true;
        };
        /** @description What a person is called: one clean line. */
        PersonName: string;
        /** @description Address of a picture, or an empty text for none. */
        PictureChoice: string;
        /** @description A page of a thread's pinned messages: `GET /messages/threads/{id}/pins`. */
        PinsAnswer: {
            /** @description The messages; what was pinned last comes first. */
            messages: components["schemas"]["MessageWithId"][];
            /** @description The `cursor` that asks for the next page; `null` if nothing follows. */
            nextCursor: string | null;
            /**
             * @description Always true.
             * @constant
             */
            success: true;
        };
        /** @description The pipeline: every queue, and who works on it. `GET /ops/pipeline`. */
        PipelineAnswer: {
            /** @description When workers came and went, so that shards were shared out anew; newest first. */
            changes: components["schemas"]["WorkerChange"][];
            /** @description Parked messages that no worker could handle, by the queue that keeps them. */
            dead: components["schemas"]["QueueFigures"][];
            /** @description The queues that workers consume. */
            hops: components["schemas"]["Hop"][];
            /** @description The rungs of the retry ladder. */
            retry: components["schemas"]["RetryRung"][];
            /**
             * Format: uint16
             * @description Number of shards of this deployment.
             */
            shards: number;
            /**
             * @description Always true.
             * @constant
             */
            success: true;
            /**
             * Format: date-time
             * @description When the answer was made.
             */
            timestamp: string;
            /** @description Why a field is `null`, by the name of the field. */
            unknown: {
                [key: string]: string;
            };
            /** @description The workers that are heard. */
            workers: components["schemas"]["ListedWorker"][];
        };
        /** @description The caller's preferences: `/notifications/preferences`. */
        PreferencesAnswer: {
            /** @description The preferences; the defaults if the caller never set any. */
            preferences: components["schemas"]["Preferences"];
            /**
             * @description Always true.
             * @constant
             */
            success: true;
        };
        /**
         * @description `POST`, `PUT` or `PATCH /notifications/preferences`: how the caller wants to be told. `POST` and `PUT`
         *     replace what was there: a field that is not named has its default. `PATCH` leaves such a field as it is.
         *
         *     A field that is not known is refused: a misspelt one would look like a setting that was kept.
         */
        PreferencesBody: {
            /**
             * @description For every type. What is not named is `true`. The three may stand in the body itself, too, as older
             *     clients write them.
             */
            channels?: components["schemas"]["ChannelsBody"] | null;
            /**
             * @description How long mails wait for further ones. `every` is `immediately` (default), `15m`, `1h` or `1d`; a daily
             *     one comes at `hour`, 0 to 23, default 8. Push messages do not wait.
             */
            digest?: components["schemas"]["DigestBody"] | null;
            /**
             * @description The older form of `channels.email`.
             * @default null
             */
            email?: boolean | null;
            /**
             * @description The older form of `channels.inApp`.
             * @default null
             */
            inApp?: boolean | null;
            /** @description The language of mails and push messages, like `de` or `pt-BR`; empty (default) for the system's own. */
            locale?: components["schemas"]["LocaleName"] | null;
            /**
             * @description All muted threads; of their messages the person gets no mail and no push message, for ever or until
             *     then. A notification of the application that names the thread comes all the same.
             */
            mutes?: components["schemas"]["MuteBody"][] | null;
            /**
             * @description The older form of `channels.push`.
             * @default null
             */
            push?: boolean | null;
            /**
             * @description Times as `HH:MM` on the person's clock; they may go over midnight. Mails and push messages wait until
             *     they end. `enabled` is `true` if it is not named; without `quietHours` it is `false`.
             */
            quietHours?: components["schemas"]["QuietHoursBody"] | null;
            /**
             * @description The time zone of quiet hours and daily digests, a name of the IANA database like `Europe/Berlin`;
             *     default `UTC`.
             */
            timeZone?: components["schemas"]["TimeZoneReference"] | null;
            /**
             * @description For single types: `{"<type>": {inApp?, email?, push?}}`. Messages of threads have the type `message`.
             *     What is not named is as in `channels`.
             */
            types?: components["schemas"]["ChannelsByKind"] | null;
            /**
             * Format: date-time
             * @description Part of what is shown, so that it can be sent back whole. It changes nothing.
             * @default null
             */
            updatedAt?: string | number | null;
            /**
             * @description `true`: mails and push messages also while a page is open that the person does not look at; default
             *     `false`.
             * @default null
             */
            whenAway?: boolean | null;
        };
        /** @description Whether one person is there: `GET /presence/{userId}`. */
        PresenceAnswer: {
            /** @description The person's presence, as the caller may see it. */
            presence: components["schemas"]["Presence"];
            /**
             * @description Always true.
             * @constant
             */
            success: true;
        };
        /** @description How urgent a notification is. */
        PriorityWord: "normal" | "critical";
        /** @description A process of the system. */
        ProcessStatus: {
            /** @description What it cannot use now although it is ready. */
            impaired: components["schemas"]["PartProblem"][];
            /** @description Why it is not ready. */
            notReadyBecause: components["schemas"]["PartProblem"][];
            /** @description The role, or `eventflow` for all of them. */
            role: string;
            /** @description `ready`, `impaired`, `starting`, `not ready` or `draining`. */
            status: string;
            /**
             * Format: uint64
             * @description For how long it runs.
             */
            uptimeSeconds: number;
            /** @description The version of the program. */
            version: string;
            /** @description What somebody should mend, by part. */
            warnings: {
                [key: string]: string;
            };
        };
        /**
         * @description What is known about a person. Names and addresses are clean, because published clients put them into pages
         *     as they are.
         */
        Profile: {
            /**
             * @description Address of a picture, `https` or a path of the same site.
             * @default null
             */
            avatar: string | null;
            /**
             * @description Where mail reaches them; shown to nobody else.
             * @default null
             */
            email: string | null;
            /** @description The person. */
            id: string;
            /** @description What others call them. */
            name: string;
            /** @description What they are to the host application, so that a send can go to everybody of a role. */
            role?: string;
        };
        /**
         * @description `PUT /users/{id}`: what somebody is called, for installations whose host application has no directory of
         *     its own.
         */
        ProfileBody: {
            /** @description Address of a picture. */
            avatar?: components["schemas"]["Link"] | null;
            /** @description Where mail reaches them; shown to nobody else. */
            email?: components["schemas"]["EmailAddress"] | null;
            /** @description What others call them. */
            name: components["schemas"]["PersonName"];
            /** @description What they are to the host application; a send can go to everybody of a role. */
            role?: components["schemas"]["RoleName"] | null;
        };
        /** @description The authentication secret of a subscription: 16 bytes in base64url. */
        PushAuth: string;
        /**
         * Format: uri
         * @description The address of a subscription: `https://host…`, without a user name.
         *
         *     Whether the host is one that this server may talk to is decided when it connects, since names change their
         *     addresses.
         */
        PushEndpoint: string;
        /** @description What a browser subscribes with: `GET /push/key`. */
        PushKeyAnswer: {
            /** @description The `applicationServerKey` in base64url; `null` if this system sends no pushes to browsers. */
            publicKey: string | null;
            /**
             * @description Always true.
             * @constant
             */
            success: true;
        };
        /** @description The public key of a browser: an uncompressed point of P-256 in base64url. */
        PushPublicKey: string;
        /** @description How full a queue is. */
        QueueFigures: {
            /**
             * Format: uint64
             * @description Live consumers, active or waiting.
             */
            consumers: number | null;
            /**
             * Format: uint64
             * @description Messages that wait for a consumer. A message carries up to 256 commands or events.
             */
            messages: number | null;
            /**
             * Format: uint64
             * @description How long the oldest message is in the queue, delivered or not; `null` with RabbitMQ, which does not
             *     tell, and of an empty queue.
             */
            oldestAgeMs: number | null;
            /** @description Why the broker could not be asked for the queue; then the other figures are `null`. */
            problem: string | null;
            /** @description The queue's name at the broker. */
            queue: string;
        };
        /** @description The hours in which nothing is sent. What is not named is as it was. */
        QuietHoursBody: {
            /**
             * @description Whether they hold; they do if it is not named.
             * @default null
             */
            enabled?: boolean | null;
            /** @description When they begin, `HH:MM`. */
            from?: components["schemas"]["WallClock"] | null;
            /** @description When they end, `HH:MM`. */
            until?: components["schemas"]["WallClock"] | null;
        };
        /** @description `POST /messages/{messageId}/reactions`: put an emoji on a message, or take it off. */
        ReactionBody: {
            /**
             * @description Whether the emoji is to be there afterwards. Without it, the other way round from what is there.
             * @default toggle
             */
            action?: components["schemas"]["Wish"] | null;
            /** @description The emoji. */
            emoji: components["schemas"]["Emoji"];
        };
        /** @description `POST /messages/threads/{id}/read`: everything was read, or everything up to a place. */
        ReadThreadBody: {
            /** @description The place; without it, everything that is there when the request comes. */
            seq?: components["schemas"]["Seq"] | null;
        };
        /** @description Why something was not sent. */
        Reason: "read" | "taken_back" | "muted" | "archived" | "left" | "blocked" | "preference" | "revoked" | "no_address" | "no_device" | "address_suppressed" | "online" | "cancelled" | "gone" | "switched_off" | "not_chosen";
        RecipientsBody: components["schemas"]["NamedUser"] | components["schemas"]["NamedUser"][] | components["schemas"]["SegmentBody"];
        /** @description A replay: `POST /ops/replays`, `GET /ops/replays/{id}`. */
        ReplayAnswer: {
            /** @description The replay. */
            replay: components["schemas"]["ShownReplay"];
            /**
             * @description Always true.
             * @constant
             */
            success: true;
        };
        /** @description `POST /ops/replays`: send letters back to where they came from. Either `ids` or `filter` is there. */
        ReplayBody: {
            /**
             * @description Only say what would be done.
             * @default false
             */
            dryRun?: boolean | null;
            /** @description Everything that waits now and fits. */
            filter?: components["schemas"]["LetterFilterBody"] | null;
            /** @description These letters. */
            ids?: components["schemas"]["LetterReference"][] | null;
            /**
             * Format: uint32
             * @description Letters sent in a second, at most; not more than the setting `dead_letters.replays_per_second`, which
             *     is the default.
             * @default null
             */
            perSecond?: number | null;
            /** @description Why; it is recorded. */
            why: components["schemas"]["Why"];
        };
        /** @description The id of a replay. */
        ReplayId: string;
        /** @description How far a replay has come. */
        ReplayState: "running" | "done";
        /** @description One report: `PUT /reports/{id}/handled`. */
        ReportAnswer: {
            /** @description The report as it is stored. */
            report: components["schemas"]["ShownReport"];
            /**
             * @description Always true.
             * @constant
             */
            success: true;
        };
        /** @description `POST /messages/{id}/report`: say what is wrong with a message. */
        ReportBody: {
            /** @description What is wrong with it. */
            reason: components["schemas"]["ReportReason"];
            /** @description More about that. */
            text?: components["schemas"]["Why"] | null;
        };
        /** @description What is wrong with a message. */
        ReportReason: "spam" | "harassment" | "hate" | "violence" | "sexual" | "self_harm" | "illegal" | "other";
        /** @description A message is reported: `POST /messages/{id}/report`. */
        ReportedAnswer: {
            /** @description The caller had reported the message before; that report is unchanged. */
            deduplicated: boolean;
            /** @description The report as its author sees it. */
            report: components["schemas"]["OwnReport"];
            /**
             * @description Always true.
             * @constant
             */
            success: true;
        };
        /** @description What a message said when it was reported. */
        ReportedMessage: {
            /** @description References to its files. */
            attachments: components["schemas"]["Attachment"][];
            /** @description What it said. */
            content: string;
            /**
             * Format: date-time
             * @description When it was sent.
             */
            createdAt: string;
            /**
             * Format: date-time
             * @description When its sender had last edited it.
             */
            editedAt?: string;
            /** @description The message. */
            messageId: string;
            /** @description Who sent it. */
            senderId: string;
            /**
             * Format: uint64
             * @description Its place in its thread.
             */
            seq: number;
            /** @description Its thread. */
            threadId: string;
        };
        /** @description A page of reports: `GET /reports`. */
        ReportsAnswer: {
            /** @description The `cursor` that asks for the next page; `null` if nothing follows. */
            nextCursor: string | null;
            /** @description The reports, the newest first. */
            reports: components["schemas"]["ShownReport"][];
            /**
             * @description Always true.
             * @constant
             */
            success: true;
        };
        /** @description A rung of the retry ladder. */
        RetryRung: {
            /**
             * Format: uint64
             * @description Live consumers, active or waiting.
             */
            consumers: number | null;
            /**
             * Format: uint64
             * @description How long everything on it waits.
             */
            delayMs: number;
            /**
             * Format: uint64
             * @description Messages that wait for a consumer. A message carries up to 256 commands or events.
             */
            messages: number | null;
            /**
             * Format: uint64
             * @description How long the oldest message is in the queue, delivered or not; `null` with RabbitMQ, which does not
             *     tell, and of an empty queue.
             */
            oldestAgeMs: number | null;
            /** @description Why the broker could not be asked for the queue; then the other figures are `null`. */
            problem: string | null;
            /** @description The queue's name at the broker. */
            queue: string;
        };
        /** @description `POST /ops/dead-letters/{id}/reveal`: show what a letter carries. */
        RevealBody: {
            /**
             * Format: uint32
             * @description The version; the newest if it is not named.
             * @default null
             */
            version?: number | null;
            /** @description Why; it is recorded. */
            why: components["schemas"]["Why"];
        };
        /** @description `POST /users/{id}/revoke`: end one login, or every login of a person. */
        RevocationBody: {
            /** @description The login; without it, every token that was issued before now. */
            session?: components["schemas"]["LoginId"] | null;
        };
        /** @description `PATCH /messages/threads/{id}/members/{member}`: what a person may do in a group. */
        RoleBody: {
            /** @description Their role from now on. */
            role: components["schemas"]["Role"];
        };
        /** @description What somebody is to the host application: a short, plain word. */
        RoleName: string;
        /** @description `PATCH /messages/scheduled/{id}`: say something else, or at another time. */
        ScheduledBody: {
            /** @description What the message is to say; empty only if it has attachments. */
            content?: components["schemas"]["MessageContent"] | null;
            /** @description The ids of the people whom the message is to mention; an empty list takes all mentions out. */
            mentions?: components["schemas"]["NamedUser"][] | null;
            /**
             * Format: date-time
             * @description When it is to be sent: in 10 seconds at the earliest, and in a year at the latest.
             * @default null
             */
            sendAt?: string | number | null;
        };
        /** @description A page of one's scheduled messages: `GET /messages/scheduled`. */
        ScheduledListAnswer: {
            /** @description The `cursor` that asks for the next page; `null` if nothing follows. */
            nextCursor: string | null;
            /** @description The messages; what is due last comes first. */
            scheduled: components["schemas"]["ShownScheduled"][];
            /**
             * @description Always true.
             * @constant
             */
            success: true;
        };
        /** @description A page of messages that were found: `GET /messages/search`. */
        SearchAnswer: {
            /**
             * @description Whether every message that the caller may see was searched. False while many of them are not indexed
             *     yet, as after an upgrade; the hits are right, and there may be more later.
             */
            complete: boolean;
            /**
             * @description What was found, the newest first. A page may have fewer than were asked for, or none, and still have a
             *     `nextCursor`.
             */
            hits: components["schemas"]["SearchHit"][];
            /** @description The `cursor` that goes on with the same query; `null` if nothing follows. */
            nextCursor: string | null;
            /**
             * @description Always true.
             * @constant
             */
            success: true;
        };
        /** @description A message that was found. */
        SearchHit: {
            /** @description The places of its `content` that have what was looked for, ascending; at most a hundred. */
            highlights: components["schemas"]["Highlight"][];
            /** @description The message as it is now. */
            message: components["schemas"]["MessageWithId"];
        };
        /** @description A segment of the directory: exactly one of its fields. */
        SegmentBody: {
            /**
             * @description `true`: everybody.
             * @default null
             */
            everybody?: boolean | null;
            /** @description Everybody who has this role. */
            role?: components["schemas"]["RoleName"] | null;
        };
        /**
         * @description One send: `POST /notifications` with `to`, `sendAt` or `template`, `GET` and `DELETE
         *     /notifications/sends/{id}`.
         */
        SendAnswer: {
            /** @description The send was kept before, under the same key. Absent otherwise. */
            deduplicated?: boolean;
            /** @description The send. */
            send: components["schemas"]["ShownSend"];
            /**
             * @description Always true.
             * @constant
             */
            success: true;
        };
        /** @description `POST /messages/{threadId}`: say something in a thread. */
        SendMessageBody: {
            /** @description References to files. */
            attachments?: components["schemas"]["AttachmentReference"][] | null;
            /** @description The client's own key: the same key of the same sender is the same message. */
            clientMessageId?: components["schemas"]["ClientKey"] | null;
            /** @description What the message says. A message with attachments needs no text. */
            content?: components["schemas"]["MessageContent"] | null;
            /** @description The ids of the people whom the message mentions, of the same thread. */
            mentions?: components["schemas"]["NamedUser"][] | null;
            /** @description The id of the message that this one answers, of the same thread. */
            replyTo?: string | null;
            /**
             * Format: date-time
             * @description When the message is to be sent: in 10 seconds at the earliest, and in a year at the latest. Without
             *     it, at once.
             * @default null
             */
            sendAt?: string | number | null;
        };
        /** @description How far a send has come. */
        SendState: "scheduled" | "running" | "done" | "cancelled";
        /** @description Who is told by a send: one of the fields is there. */
        SendTo: {
            /** @description Everybody in the directory. */
            everybody?: boolean;
            /** @description Everybody in the directory who has this role. */
            role?: string;
            /**
             * Format: uint64
             * @description So many people, who were named one by one.
             */
            users?: number;
        };
        /** @description A page of the sends: `GET /notifications/sends`. */
        SendsAnswer: {
            /** @description The `cursor` that asks for the next page; `null` if this page was not full. */
            nextCursor: string | null;
            /** @description The sends, newest first. */
            sends: components["schemas"]["ShownSend"][];
            /**
             * @description Always true.
             * @constant
             */
            success: true;
        };
        /** @description What `POST /{threadId}` answers. */
        SentAnswer: components["schemas"]["MessageAnswer"] | components["schemas"]["ScheduledAnswer"];
        /** @description Whether a server can be used. */
        ServerHealth: "up" | "blocked" | "down" | "absent";
        /** @description A server that the system depends on. */
        ServerState: {
            /**
             * Format: uint64
             * @description How long it took to answer; `null` if it was not asked or did not answer.
             */
            answeredInMs: number | null;
            /** @description `broker`, `store` or `presence`. */
            name: string;
            /** @description Why it cannot be used. */
            problem: string | null;
            /** @description Whether it can be used. */
            state: components["schemas"]["ServerHealth"];
        };
        /** @description The servers that the system depends on, and the process that answers: `GET /ops/servers`. */
        ServersAnswer: {
            /** @description The process that answers, as its `/status` has it. */
            process: components["schemas"]["ProcessStatus"];
            /** @description The servers as this process finds them. */
            servers: components["schemas"]["ServerState"][];
            /**
             * @description Always true.
             * @constant
             */
            success: true;
            /**
             * Format: date-time
             * @description When the answer was made.
             */
            timestamp: string;
        };
        /** @description Whether every part of the service can be used. */
        ServiceHealth: "healthy" | "degraded";
        /** @description What is going on: sums over the gateways that reported lately, and people. */
        ServiceStats: {
            /**
             * Format: uint64
             * @description Open sockets.
             */
            connectedClients: number;
            /**
             * Format: uint64
             * @description People who are connected, each once.
             */
            onlineUsers: number;
            /**
             * Format: uint64
             * @description Threads that somebody looks at.
             */
            rooms: number;
            /**
             * Format: uint64
             * @description People who type at this moment.
             */
            typingUsers: number;
        };
        /** @description Who did what, when and why. */
        ShownAudit: {
            /** @description The id. */
            _id: string;
            /** @description What. */
            action: components["schemas"]["AuditAction"];
            /**
             * Format: date-time
             * @description When.
             */
            at: string;
            /** @description Who. */
            by: string;
            /** @description What else there is to say. */
            detail: string | null;
            /** @description To which letter. */
            letter: string | null;
            /** @description By which replay. */
            replay: components["schemas"]["ReplayId"] | null;
            /** @description Why. */
            why: string;
        };
        /** @description A device of the caller. Its address and keys are shown to nobody. */
        ShownDevice: {
            /** @description The id. */
            _id: string;
            /** @description How it is reached. */
            kind: components["schemas"]["DeviceKind"];
            /** @description What its owner called it; may be empty. */
            name: string;
            /**
             * Format: date-time
             * @description When it was registered, the last time if it came again.
             */
            registeredAt: string;
        };
        /** @description What is erased of a person, and how far that has come. */
        ShownErasure: {
            /** @description The administrator who asked for it first. */
            by: string;
            /**
             * Format: date-time
             * @description When it was asked for.
             */
            createdAt: string;
            /**
             * Format: date-time
             * @description When it was done; `null` before.
             */
            endedAt: string | null;
            /** @description What was erased so far. */
            erased: components["schemas"]["ErasedCounts"];
            /**
             * Format: uint32
             * @description Everything is gone through twice; the pass that is being made, from 1.
             */
            pass: number;
            /** @description How far it has come. */
            state: components["schemas"]["ErasureState"];
            /** @description The person. */
            userId: string;
            /** @description Why it was asked for. */
            why: string;
            /** @description What the pass is at: `own`, `threads`, `reports`, `dead_letters` or `files`. */
            workingOn: string;
        };
        /** @description Letters of one queue, cause and kind. */
        ShownGroup: {
            /** @description Why they failed last. */
            cause: components["schemas"]["Cause"];
            /**
             * Format: uint64
             * @description How many there are.
             */
            count: number;
            /** @description What they ask for or tell. */
            kind: string | null;
            /**
             * Format: date-time
             * @description When the newest failed last.
             */
            newestAt: string;
            /**
             * Format: date-time
             * @description When the oldest failed last.
             */
            oldestAt: string;
            /** @description The queue that they came from. */
            queue: string;
            /** @description Why the newest failed, in words. */
            reason: string;
        };
        /** @description Something that happened to a letter. Only the fields of its event are there. */
        ShownHappened: {
            /**
             * Format: date-time
             * @description When.
             */
            at: string;
            /**
             * Format: uint32
             * @description How often a handler had failed on it.
             */
            attempts?: number;
            /** @description Who did it. */
            by?: string;
            /** @description Why it failed. */
            cause?: components["schemas"]["Cause"];
            /** @description What. */
            event: components["schemas"]["LetterEventWord"];
            /** @description The queue that it came from. */
            queue?: string;
            /** @description Why it failed or was not sent, in words. */
            reason?: string;
            /** @description The replay. */
            replay?: components["schemas"]["ReplayId"];
            /**
             * Format: uint32
             * @description The version that an edit made.
             */
            version?: number;
            /** @description Why somebody did it. */
            why?: string;
        };
        /** @description A dead letter without its body. */
        ShownLetter: {
            /**
             * @description What it carries and the id of its envelope, e.g. `command-018f6e3a-…`; the same whenever the same work
             *     fails again. It is safe in a path.
             */
            _id: string;
            /**
             * Format: uint32
             * @description How often a handler had failed on it when it failed last.
             */
            attempts: number;
            /** @description Why it failed last. */
            cause: components["schemas"]["Cause"];
            /** @description The id that the logs name. */
            envelope: string;
            /**
             * Format: uint32
             * @description How often it became a dead letter.
             */
            failures: number;
            /**
             * Format: date-time
             * @description When it became a dead letter first.
             */
            firstAt: string;
            /** @description What it asks for or tells, e.g. `send_message` or `message_stored`; `null` if it cannot be read. */
            kind: string | null;
            /**
             * Format: date-time
             * @description When it became a dead letter last.
             */
            lastAt: string;
            /** @description The queue that it came from, e.g. `persist.0`; `gateway` for the queue of any gateway. */
            queue: string;
            /** @description Why it failed last, in words; never anything that a person typed. */
            reason: string;
            /** @description The `_id` of the replay that has it, or had it last; else `null`. */
            replay: components["schemas"]["ReplayId"] | null;
            /**
             * Format: uint32
             * @description How often it was replayed.
             */
            replays: number;
            /**
             * Format: uint64
             * @description Bytes of its body.
             */
            size: number;
            /** @description What becomes of it. */
            state: components["schemas"]["LetterState"];
            /**
             * Format: uint32
             * @description The newest version of its body: 1, and one more for each edit.
             */
            version: number;
        };
        /** @description A replay, and how far it has come. */
        ShownReplay: {
            /** @description The id. */
            _id: components["schemas"]["ReplayId"];
            /** @description Who asked for it. */
            by: string;
            /**
             * Format: date-time
             * @description When.
             */
            createdAt: string;
            /**
             * Format: date-time
             * @description When all its letters had been looked at.
             */
            endedAt: string | null;
            /**
             * Format: uint64
             * @description Letters of it that failed again.
             */
            failedAgain: number;
            /**
             * Format: uint32
             * @description Letters sent in a second, at most.
             */
            perSecond: number;
            /**
             * Format: uint64
             * @description Letters that could not be sent.
             */
            refused: number;
            /**
             * Format: uint64
             * @description Letters that were sent.
             */
            replayed: number;
            /** @description How far it has come. */
            state: components["schemas"]["ReplayState"];
            /**
             * Format: uint64
             * @description Letters that waited when it was asked for.
             */
            total: number;
            /** @description Why. */
            why: string;
        };
        /** @description A report as administrators see it. */
        ShownReport: {
            /**
             * Format: date-time
             * @description When the message was reported.
             */
            createdAt: string;
            /** @description Who has handled it, and when; `null` while nobody has. */
            handled: components["schemas"]["Handled"] | null;
            /** @description The report. */
            id: string;
            /** @description What the message said then. */
            message: components["schemas"]["ReportedMessage"];
            /** @description What is wrong with the message. */
            reason: components["schemas"]["ReportReason"];
            /** @description Who reported it. */
            reporterId: string;
            /** @description More about that; empty if nothing was said. */
            text: string;
        };
        /** @description A send, and how far it has come. */
        ShownSend: {
            /** @description The id. */
            _id: string;
            /** @description Who sends. */
            by: string;
            /**
             * Format: date-time
             * @description When it was accepted.
             */
            createdAt: string;
            /**
             * Format: date-time
             * @description When everybody was told, or it was cancelled.
             */
            endedAt: string | null;
            /**
             * Format: uint64
             * @description People whose notification could not be stored.
             */
            failed: number;
            /**
             * Format: date-time
             * @description When it was planned for; `null`: at once.
             */
            sendAt: string | null;
            /**
             * Format: uint64
             * @description People who have the notification: in their inbox, or by the other ways alone if they want it so.
             */
            sent: number;
            /**
             * Format: date-time
             * @description When it began.
             */
            startedAt: string | null;
            /** @description How far it has come. */
            state: components["schemas"]["SendState"];
            /**
             * Format: uint64
             * @description People who do not want such notifications.
             */
            suppressed: number;
            /** @description The template that its text was made from; `null`: none. */
            template: string | null;
            /** @description What everybody is told, in one line; in other languages it may be another one. */
            title: string;
            /** @description Who is told. */
            to: components["schemas"]["SendTo"];
            /**
             * Format: uint64
             * @description How many people there are; `null` while nobody knows.
             */
            total: number | null;
            /** @description What sort of thing it is. */
            type: string;
        };
        /** @description A body of a letter. */
        ShownVersion: {
            /**
             * Format: date-time
             * @description When it came, or was edited.
             */
            at: string;
            /** @description Who edited it; `null`: it came so. */
            by: string | null;
            /**
             * Format: uint64
             * @description Its bytes.
             */
            size: number;
            /**
             * Format: uint32
             * @description Its number.
             */
            version: number;
        };
        /** @description How the service is, for administrators: `GET /messaging/status`. */
        StatusAnswer: {
            /**
             * Format: uint64
             * @description How many gateways reported lately.
             */
            gateways: number;
            /** @description What is going on. */
            stats: components["schemas"]["ServiceStats"];
            /**
             * Format: uint64
             * @description Age of the oldest figures in `stats`, in milliseconds; `null` if no gateway reported.
             */
            statsAgeMs: number | null;
            /** @description Whether every part can be used. */
            status: components["schemas"]["ServiceHealth"];
            /**
             * @description Always true.
             * @constant
             */
            success: true;
            /**
             * Format: date-time
             * @description When the answer was made.
             */
            timestamp: string;
            /**
             * @description The parts that cannot be used now: `broker`, `store`, `presence`, or a `gateway` whose report is
             *     overdue.
             */
            unavailable: string[];
        };
        /** @description The subscription of a browser. */
        SubscriptionBody: {
            /** @description The address at the push service. */
            endpoint: components["schemas"]["PushEndpoint"];
            /** @description The keys that only this browser can read pushes with. */
            keys: components["schemas"]["SubscriptionKeys"];
        };
        /** @description The keys of a subscription. */
        SubscriptionKeys: {
            /** @description The authentication secret. */
            auth: components["schemas"]["PushAuth"];
            /** @description The public key of the browser. */
            p256dh: components["schemas"]["PushPublicKey"];
        };
        /** @description An address that gets no mail. */
        SuppressedAddress: {
            /** @description The address. */
            address: string;
            /**
             * Format: date-time
             * @description Since when.
             */
            at: string;
            /** @description More about it, such as the answer of the mail server. */
            detail: string;
            /** @description Why. */
            reason: components["schemas"]["SuppressionReason"];
        };
        /** @description Why an address gets no mail. */
        SuppressionReason: "bounce" | "complaint" | "refused" | "provider";
        /** @description A page of the suppression list: `GET /email/suppressions`. */
        SuppressionsAnswer: {
            /** @description The place of the next page; null on the last one. */
            nextCursor: string | null;
            /**
             * @description Always true.
             * @constant
             */
            success: true;
            /** @description The addresses, in alphabetical order. */
            suppressions: components["schemas"]["SuppressedAddress"][];
        };
        /** @description The name of a template: a word that can be the name of a file everywhere. */
        TemplateName: string;
        /** @description One thread: `POST /messages/threads`, `GET /messages/threads/{id}`, and the routes that change a group. */
        ThreadAnswer: {
            /**
             * @description Always true.
             * @constant
             */
            success: true;
            /** @description The thread as the caller sees it. */
            thread: components["schemas"]["ListedThread"];
        };
        /** @description Whom the viewer of a thread talks to. */
        ThreadCompanion: {
            /** @description Address of a picture. */
            avatar: string;
            /** @description The other one's id in a thread of two; `null` in a larger thread. */
            id: string | null;
            /** @description The other one's name; in a larger thread some names, and how many more there are. */
            name: string;
        };
        /** @description A page of the caller's threads: `GET /messages/threads`. */
        ThreadsAnswer: {
            /** @description The `cursor` that asks for the next page; `null` if nothing follows. */
            nextCursor: string | null;
            /**
             * @description Always true.
             * @constant
             */
            success: true;
            /** @description The threads, most recently active first. */
            threads: components["schemas"]["ListedThread"][];
        };
        /** @description A time zone of the IANA database. */
        TimeZoneReference: string;
        /** @description How many notifications the caller has not read: `GET /notifications/unread-count`. */
        UnreadCountAnswer: {
            /**
             * @description Always true.
             * @constant
             */
            success: true;
            /**
             * Format: uint64
             * @description How many notifications the caller has not read.
             */
            unreadCount: number;
        };
        /** @description `POST /messages/threads/{id}/unread`: messages of others are to be unread again. */
        UnreadThreadBody: {
            /** @description The first of them; without it, the newest message of somebody else. */
            seq?: components["schemas"]["Seq"] | null;
        };
        /** @description An upload that was begun: `POST /attachments/tus`. */
        UploadAnswer: {
            /**
             * Format: date-time
             * @description When it is deleted if it is not finished; each request that brings bytes puts that off.
             */
            expiresAt: string;
            /** @description The id of the file. */
            id: string;
            /**
             * @description Always true.
             * @constant
             */
            success: true;
        };
        /** @description A profile that was written: `PUT /users/{id}`. */
        UserAnswer: {
            /**
             * @description Always true.
             * @constant
             */
            success: true;
            /** @description The profile. */
            user: components["schemas"]["Profile"];
        };
        /** @description What people are called: `GET /users`. */
        UsersAnswer: {
            /**
             * @description Always true.
             * @constant
             */
            success: true;
            /** @description The people, in the order asked. */
            users: components["schemas"]["Participant"][];
        };
        /** @description What a window waits for. */
        WaitsFor: "attention" | "digest" | "quiet_hours" | "provider";
        /** @description A time of day, `HH:MM`. */
        WallClock: string;
        /** @description Why somebody does something that is recorded: one clean line. */
        Why: string;
        /** @description The id of a window, which identifies its mail or push message for ever: the `Message-ID` is made of it. */
        WindowId: string;
        /** @description A worker came or went. */
        WorkerChange: {
            /**
             * Format: date-time
             * @description When it was heard.
             */
            at: string;
            /** @description Where the worker runs; `null` if it does not say. */
            place: string | null;
            /** @description The stage. */
            stage: string;
            /** @description What became of the worker. */
            what: components["schemas"]["WorkerFate"];
            /** @description The worker. */
            worker: string;
            /**
             * Format: uint64
             * @description Workers of the stage since then.
             */
            workers: number;
        };
        /** @description What became of a worker. */
        WorkerFate: "joined" | "left" | "silent";
        ServerEvents: {
            "auth:error": components["schemas"]["AuthError"];
            "auth:success": components["schemas"]["AuthSuccess"];
            "block:updated": components["schemas"]["BlockUpdated"];
            "draft:updated": components["schemas"]["DraftUpdated"];
            error: components["schemas"]["EventError"];
            "message:deleted": components["schemas"]["MessageDeleted"];
            "message:error": components["schemas"]["MessageError"];
            "message:pinned": components["schemas"]["MessagePinned"];
            "message:queued": components["schemas"]["MessageQueued"];
            "message:read:update": components["schemas"]["MessageReadUpdate"];
            "message:received": components["schemas"]["MessageReceived"];
            "message:sent": components["schemas"]["MessageSent"];
            "message:status": components["schemas"]["MessageStatusUpdate"];
            "message:updated": components["schemas"]["MessageUpdated"];
            "notification:received": components["schemas"]["NotificationReceived"];
            "notification:updated": components["schemas"]["NotificationUpdated"];
            "preferences:updated": components["schemas"]["PreferencesUpdated"];
            "presence:chosen": components["schemas"]["PresenceChosen"];
            "presence:sync": components["schemas"]["PresenceSync"];
            "presence:update": components["schemas"]["PresenceUpdate"];
            "reaction:received": components["schemas"]["ReactionReceived"];
            "scheduled:updated": components["schemas"]["ScheduledUpdated"];
            "session:ended": components["schemas"]["SessionEnded"];
            sync: components["schemas"]["SyncAnswer"];
            "thread:created": components["schemas"]["ThreadCreated"];
            "thread:left": components["schemas"]["ThreadLeft"];
            "thread:members:added": components["schemas"]["MembersAdded"];
            "thread:updated": components["schemas"]["ThreadUpdated"];
            "typing:update": components["schemas"]["TypingUpdate"];
        };
        Requests: {
            auth: {
                body: components["schemas"]["AuthEvent"];
                answer: components["schemas"]["AuthAnswer"];
            };
            "draft:save": {
                body: components["schemas"]["DraftEvent"];
                answer: components["schemas"]["DraftAnswer"] | components["schemas"]["QueuedAnswer"];
            };
            "message:delete": {
                body: components["schemas"]["MessageEvent"];
                answer: components["schemas"]["ChangeAnswer"] | components["schemas"]["QueuedAnswer"];
            };
            "message:edit": {
                body: components["schemas"]["EditMessageEvent"];
                answer: components["schemas"]["ChangeAnswer"] | components["schemas"]["QueuedAnswer"];
            };
            "message:pin": {
                body: components["schemas"]["MessageEvent"];
                answer: components["schemas"]["ChangeAnswer"] | components["schemas"]["QueuedAnswer"];
            };
            "message:read": {
                body: components["schemas"]["ReadMessageEvent"];
                answer: components["schemas"]["CursorAnswer"] | components["schemas"]["QueuedAnswer"];
            };
            "message:send": {
                body: components["schemas"]["SendMessageEvent"];
                answer: components["schemas"]["MessageSent"] | components["schemas"]["MessageQueued"] | components["schemas"]["ScheduledAnswer"] | components["schemas"]["QueuedAnswer"];
            };
            "message:unpin": {
                body: components["schemas"]["MessageEvent"];
                answer: components["schemas"]["ChangeAnswer"] | components["schemas"]["QueuedAnswer"];
            };
            "presence:sync": {
                body: components["schemas"]["PresenceSyncEvent"];
                answer: components["schemas"]["PresenceListAnswer"];
            };
            "presence:update": {
                body: components["schemas"]["PresenceUpdateEvent"];
                answer: components["schemas"]["PresenceChoiceAnswer"];
            };
            "reaction:send": {
                body: components["schemas"]["ReactionEvent"];
                answer: components["schemas"]["ChangeAnswer"] | components["schemas"]["QueuedAnswer"];
            };
            sync: {
                body: components["schemas"]["SyncEvent"];
                answer: components["schemas"]["SyncAnswer"];
            };
            "thread:join": {
                body: components["schemas"]["ThreadEvent"];
                answer: components["schemas"]["ThreadAck"];
            };
            "thread:leave": {
                body: components["schemas"]["ThreadEvent"];
                answer: components["schemas"]["ThreadAck"];
            };
            "thread:read": {
                body: components["schemas"]["ThreadEvent"];
                answer: components["schemas"]["CursorAnswer"] | components["schemas"]["QueuedAnswer"];
            };
            "thread:unread": {
                body: components["schemas"]["UnreadThreadEvent"];
                answer: components["schemas"]["CursorAnswer"] | components["schemas"]["QueuedAnswer"];
            };
            "typing:start": {
                body: components["schemas"]["ThreadEvent"];
                answer: components["schemas"]["ThreadAck"];
            };
            "typing:stop": {
                body: components["schemas"]["ThreadEvent"];
                answer: components["schemas"]["ThreadAck"];
            };
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type Attachment = components['schemas']['Attachment'];
export type AttachmentKind = components['schemas']['AttachmentKind'];
export type AttachmentReference = components['schemas']['AttachmentReference'];
export type AuthAnswer = components['schemas']['AuthAnswer'];
export type AuthError = components['schemas']['AuthError'];
export type AuthEvent = components['schemas']['AuthEvent'];
export type AuthSuccess = components['schemas']['AuthSuccess'];
export type BlockUpdated = components['schemas']['BlockUpdated'];
export type ChangeAction = components['schemas']['ChangeAction'];
export type ChangeAnswer = components['schemas']['ChangeAnswer'];
export type ChangedThread = components['schemas']['ChangedThread'];
export type Channels = components['schemas']['Channels'];
export type ClientKey = components['schemas']['ClientKey'];
export type CreatedThread = components['schemas']['CreatedThread'];
export type CursorAnswer = components['schemas']['CursorAnswer'];
export type DeliveryReceipt = components['schemas']['DeliveryReceipt'];
export type DigestInterval = components['schemas']['DigestInterval'];
export type DraftAnswer = components['schemas']['DraftAnswer'];
export type DraftEvent = components['schemas']['DraftEvent'];
export type DraftUpdated = components['schemas']['DraftUpdated'];
export type EditMessageEvent = components['schemas']['EditMessageEvent'];
export type Emoji = components['schemas']['Emoji'];
export type ErrorBody = components['schemas']['ErrorBody'];
export type ErrorCode = components['schemas']['ErrorCode'];
export type EventError = components['schemas']['EventError'];
export type Every = components['schemas']['Every'];
export type FileReference = components['schemas']['FileReference'];
export type Group = components['schemas']['Group'];
export type History = components['schemas']['History'];
export type Link = components['schemas']['Link'];
export type MembersAdded = components['schemas']['MembersAdded'];
export type MessageContent = components['schemas']['MessageContent'];
export type MessageDeleted = components['schemas']['MessageDeleted'];
export type MessageError = components['schemas']['MessageError'];
export type MessageEvent = components['schemas']['MessageEvent'];
export type MessagePinned = components['schemas']['MessagePinned'];
export type MessageQueued = components['schemas']['MessageQueued'];
export type MessageReadUpdate = components['schemas']['MessageReadUpdate'];
export type MessageReceived = components['schemas']['MessageReceived'];
export type MessageSent = components['schemas']['MessageSent'];
export type MessageStatus = components['schemas']['MessageStatus'];
export type MessageStatusUpdate = components['schemas']['MessageStatusUpdate'];
export type MessageUpdated = components['schemas']['MessageUpdated'];
export type MessageWithId = components['schemas']['MessageWithId'];
export type Metadata = components['schemas']['Metadata'];
export type Mute = components['schemas']['Mute'];
export type NamedChannels = components['schemas']['NamedChannels'];
export type NamedUser = components['schemas']['NamedUser'];
export type NotSent = components['schemas']['NotSent'];
export type NotificationAction = components['schemas']['NotificationAction'];
export type NotificationReceived = components['schemas']['NotificationReceived'];
export type NotificationUpdated = components['schemas']['NotificationUpdated'];
export type NotificationWithId = components['schemas']['NotificationWithId'];
export type PersonCursors = components['schemas']['PersonCursors'];
export type Pinned = components['schemas']['Pinned'];
export type Preferences = components['schemas']['Preferences'];
export type PreferencesUpdated = components['schemas']['PreferencesUpdated'];
export type Presence = components['schemas']['Presence'];
export type PresenceChoice = components['schemas']['PresenceChoice'];
export type PresenceChoiceAnswer = components['schemas']['PresenceChoiceAnswer'];
export type PresenceChosen = components['schemas']['PresenceChosen'];
export type PresenceListAnswer = components['schemas']['PresenceListAnswer'];
export type PresenceSync = components['schemas']['PresenceSync'];
export type PresenceSyncEvent = components['schemas']['PresenceSyncEvent'];
export type PresenceUpdate = components['schemas']['PresenceUpdate'];
export type PresenceUpdateEvent = components['schemas']['PresenceUpdateEvent'];
export type QueuedAnswer = components['schemas']['QueuedAnswer'];
export type QueuedStatus = components['schemas']['QueuedStatus'];
export type QuietHours = components['schemas']['QuietHours'];
export type Quote = components['schemas']['Quote'];
export type Reaction = components['schemas']['Reaction'];
export type ReactionEvent = components['schemas']['ReactionEvent'];
export type ReactionReceived = components['schemas']['ReactionReceived'];
export type ReadMessageEvent = components['schemas']['ReadMessageEvent'];
export type ReadReceipt = components['schemas']['ReadReceipt'];
export type Receipted = components['schemas']['Receipted'];
export type RefusedThread = components['schemas']['RefusedThread'];
export type ReplyTo = components['schemas']['ReplyTo'];
export type Revision = components['schemas']['Revision'];
export type Role = components['schemas']['Role'];
export type ScheduledAnswer = components['schemas']['ScheduledAnswer'];
export type ScheduledState = components['schemas']['ScheduledState'];
export type ScheduledUpdated = components['schemas']['ScheduledUpdated'];
export type SendMessageEvent = components['schemas']['SendMessageEvent'];
export type Seq = components['schemas']['Seq'];
export type SessionEnded = components['schemas']['SessionEnded'];
export type ShownDraft = components['schemas']['ShownDraft'];
export type ShownScheduled = components['schemas']['ShownScheduled'];
export type Status = components['schemas']['Status'];
export type SyncAnswer = components['schemas']['SyncAnswer'];
export type SyncEvent = components['schemas']['SyncEvent'];
export type SyncLimit = components['schemas']['SyncLimit'];
export type SyncPlace = components['schemas']['SyncPlace'];
export type SyncedMessages = components['schemas']['SyncedMessages'];
export type SyncedThread = components['schemas']['SyncedThread'];
export type ThreadAck = components['schemas']['ThreadAck'];
export type ThreadCreated = components['schemas']['ThreadCreated'];
export type ThreadEvent = components['schemas']['ThreadEvent'];
export type ThreadLeft = components['schemas']['ThreadLeft'];
export type ThreadMember = components['schemas']['ThreadMember'];
export type ThreadStatus = components['schemas']['ThreadStatus'];
export type ThreadUpdated = components['schemas']['ThreadUpdated'];
export type TimeZoneName = components['schemas']['TimeZoneName'];
export type TypingUpdate = components['schemas']['TypingUpdate'];
export type UnreadThreadEvent = components['schemas']['UnreadThreadEvent'];
export type UploadedFile = components['schemas']['UploadedFile'];
export type Wish = components['schemas']['Wish'];
export type AddMembersBody = components['schemas']['AddMembersBody'];
export type ArchiveAnswer = components['schemas']['ArchiveAnswer'];
export type AttachmentAnswer = components['schemas']['AttachmentAnswer'];
export type AuditAction = components['schemas']['AuditAction'];
export type AuditAnswer = components['schemas']['AuditAnswer'];
export type BeginAnswer = components['schemas']['BeginAnswer'];
export type BlockAnswer = components['schemas']['BlockAnswer'];
export type BlocksAnswer = components['schemas']['BlocksAnswer'];
export type Cause = components['schemas']['Cause'];
export type ChangeGroupBody = components['schemas']['ChangeGroupBody'];
export type Channel = components['schemas']['Channel'];
export type ChannelWord = components['schemas']['ChannelWord'];
export type ChannelsBody = components['schemas']['ChannelsBody'];
export type ChannelsByKind = components['schemas']['ChannelsByKind'];
export type ConnectedAnswer = components['schemas']['ConnectedAnswer'];
export type ConnectedUser = components['schemas']['ConnectedUser'];
export type CountAnswer = components['schemas']['CountAnswer'];
export type CreateThreadBody = components['schemas']['CreateThreadBody'];
export type CsrfTokenAnswer = components['schemas']['CsrfTokenAnswer'];
export type DeliveredKind = components['schemas']['DeliveredKind'];
export type DeliveriesAnswer = components['schemas']['DeliveriesAnswer'];
export type DeliveryWord = components['schemas']['DeliveryWord'];
export type DeviceAnswer = components['schemas']['DeviceAnswer'];
export type DeviceBody = components['schemas']['DeviceBody'];
export type DeviceKind = components['schemas']['DeviceKind'];
export type DeviceName = components['schemas']['DeviceName'];
export type DevicesAnswer = components['schemas']['DevicesAnswer'];
export type DigestBody = components['schemas']['DigestBody'];
export type DiscardBody = components['schemas']['DiscardBody'];
export type DiscardedAnswer = components['schemas']['DiscardedAnswer'];
export type DisconnectBody = components['schemas']['DisconnectBody'];
export type DoneAnswer = components['schemas']['DoneAnswer'];
export type DraftBody = components['schemas']['DraftBody'];
export type DraftsAnswer = components['schemas']['DraftsAnswer'];
export type DryRun = components['schemas']['DryRun'];
export type DryRunAnswer = components['schemas']['DryRunAnswer'];
export type DryRunQueue = components['schemas']['DryRunQueue'];
export type DryRunRefusal = components['schemas']['DryRunRefusal'];
export type EarlierWording = components['schemas']['EarlierWording'];
export type EditLetterBody = components['schemas']['EditLetterBody'];
export type EditMessageBody = components['schemas']['EditMessageBody'];
export type EditedLetterAnswer = components['schemas']['EditedLetterAnswer'];
export type EditsAnswer = components['schemas']['EditsAnswer'];
export type EmailAddress = components['schemas']['EmailAddress'];
export type EraseBody = components['schemas']['EraseBody'];
export type ErasedCounts = components['schemas']['ErasedCounts'];
export type ErasureAnswer = components['schemas']['ErasureAnswer'];
export type ErasureState = components['schemas']['ErasureState'];
export type ExportRecord = components['schemas']['ExportRecord'];
export type ExportedFile = components['schemas']['ExportedFile'];
export type ExportedMessage = components['schemas']['ExportedMessage'];
export type ExportedThread = components['schemas']['ExportedThread'];
export type FcmToken = components['schemas']['FcmToken'];
export type FoundUsersAnswer = components['schemas']['FoundUsersAnswer'];
export type GatewaysAnswer = components['schemas']['GatewaysAnswer'];
export type GroupBody = components['schemas']['GroupBody'];
export type GroupName = components['schemas']['GroupName'];
export type Handled = components['schemas']['Handled'];
export type HandledBody = components['schemas']['HandledBody'];
export type Highlight = components['schemas']['Highlight'];
export type HistoryAnswer = components['schemas']['HistoryAnswer'];
export type Hop = components['schemas']['Hop'];
export type LetterAnswer = components['schemas']['LetterAnswer'];
export type LetterEventWord = components['schemas']['LetterEventWord'];
export type LetterFilterBody = components['schemas']['LetterFilterBody'];
export type LetterGroupsAnswer = components['schemas']['LetterGroupsAnswer'];
export type LetterReference = components['schemas']['LetterReference'];
export type LetterState = components['schemas']['LetterState'];
export type LettersAnswer = components['schemas']['LettersAnswer'];
export type ListedBlock = components['schemas']['ListedBlock'];
export type ListedDelivery = components['schemas']['ListedDelivery'];
export type ListedGateway = components['schemas']['ListedGateway'];
export type ListedThread = components['schemas']['ListedThread'];
export type ListedWorker = components['schemas']['ListedWorker'];
export type LocaleName = components['schemas']['LocaleName'];
export type LoginId = components['schemas']['LoginId'];
export type MembersAnswer = components['schemas']['MembersAnswer'];
export type MessageAnswer = components['schemas']['MessageAnswer'];
export type MuteBody = components['schemas']['MuteBody'];
export type MuteEndBody = components['schemas']['MuteEndBody'];
export type MutedThread = components['schemas']['MutedThread'];
export type Notification = components['schemas']['Notification'];
export type NotificationBody = components['schemas']['NotificationBody'];
export type NotificationKind = components['schemas']['NotificationKind'];
export type NotificationText = components['schemas']['NotificationText'];
export type NotificationTitle = components['schemas']['NotificationTitle'];
export type NotificationsAnswer = components['schemas']['NotificationsAnswer'];
export type NotifiedAnswer = components['schemas']['NotifiedAnswer'];
export type NotifyAnswer = components['schemas']['NotifyAnswer'];
export type OutcomeCount = components['schemas']['OutcomeCount'];
export type OutcomesAnswer = components['schemas']['OutcomesAnswer'];
export type OwnReport = components['schemas']['OwnReport'];
export type PartProblem = components['schemas']['PartProblem'];
export type Participant = components['schemas']['Participant'];
export type ParticipantsAnswer = components['schemas']['ParticipantsAnswer'];
export type PersonName = components['schemas']['PersonName'];
export type PictureChoice = components['schemas']['PictureChoice'];
export type PinsAnswer = components['schemas']['PinsAnswer'];
export type PipelineAnswer = components['schemas']['PipelineAnswer'];
export type PreferencesAnswer = components['schemas']['PreferencesAnswer'];
export type PreferencesBody = components['schemas']['PreferencesBody'];
export type PresenceAnswer = components['schemas']['PresenceAnswer'];
export type PriorityWord = components['schemas']['PriorityWord'];
export type ProcessStatus = components['schemas']['ProcessStatus'];
export type Profile = components['schemas']['Profile'];
export type ProfileBody = components['schemas']['ProfileBody'];
export type PushAuth = components['schemas']['PushAuth'];
export type PushEndpoint = components['schemas']['PushEndpoint'];
export type PushKeyAnswer = components['schemas']['PushKeyAnswer'];
export type PushPublicKey = components['schemas']['PushPublicKey'];
export type QueueFigures = components['schemas']['QueueFigures'];
export type QuietHoursBody = components['schemas']['QuietHoursBody'];
export type ReactionBody = components['schemas']['ReactionBody'];
export type ReadThreadBody = components['schemas']['ReadThreadBody'];
export type Reason = components['schemas']['Reason'];
export type RecipientsBody = components['schemas']['RecipientsBody'];
export type ReplayAnswer = components['schemas']['ReplayAnswer'];
export type ReplayBody = components['schemas']['ReplayBody'];
export type ReplayId = components['schemas']['ReplayId'];
export type ReplayState = components['schemas']['ReplayState'];
export type ReportAnswer = components['schemas']['ReportAnswer'];
export type ReportBody = components['schemas']['ReportBody'];
export type ReportReason = components['schemas']['ReportReason'];
export type ReportedAnswer = components['schemas']['ReportedAnswer'];
export type ReportedMessage = components['schemas']['ReportedMessage'];
export type ReportsAnswer = components['schemas']['ReportsAnswer'];
export type RetryRung = components['schemas']['RetryRung'];
export type RevealBody = components['schemas']['RevealBody'];
export type RevocationBody = components['schemas']['RevocationBody'];
export type RoleBody = components['schemas']['RoleBody'];
export type RoleName = components['schemas']['RoleName'];
export type ScheduledBody = components['schemas']['ScheduledBody'];
export type ScheduledListAnswer = components['schemas']['ScheduledListAnswer'];
export type SearchAnswer = components['schemas']['SearchAnswer'];
export type SearchHit = components['schemas']['SearchHit'];
export type SegmentBody = components['schemas']['SegmentBody'];
export type SendAnswer = components['schemas']['SendAnswer'];
export type SendMessageBody = components['schemas']['SendMessageBody'];
export type SendState = components['schemas']['SendState'];
export type SendTo = components['schemas']['SendTo'];
export type SendsAnswer = components['schemas']['SendsAnswer'];
export type SentAnswer = components['schemas']['SentAnswer'];
export type ServerHealth = components['schemas']['ServerHealth'];
export type ServerState = components['schemas']['ServerState'];
export type ServersAnswer = components['schemas']['ServersAnswer'];
export type ServiceHealth = components['schemas']['ServiceHealth'];
export type ServiceStats = components['schemas']['ServiceStats'];
export type ShownAudit = components['schemas']['ShownAudit'];
export type ShownDevice = components['schemas']['ShownDevice'];
export type ShownErasure = components['schemas']['ShownErasure'];
export type ShownGroup = components['schemas']['ShownGroup'];
export type ShownHappened = components['schemas']['ShownHappened'];
export type ShownLetter = components['schemas']['ShownLetter'];
export type ShownReplay = components['schemas']['ShownReplay'];
export type ShownReport = components['schemas']['ShownReport'];
export type ShownSend = components['schemas']['ShownSend'];
export type ShownVersion = components['schemas']['ShownVersion'];
export type StatusAnswer = components['schemas']['StatusAnswer'];
export type SubscriptionBody = components['schemas']['SubscriptionBody'];
export type SubscriptionKeys = components['schemas']['SubscriptionKeys'];
export type SuppressedAddress = components['schemas']['SuppressedAddress'];
export type SuppressionReason = components['schemas']['SuppressionReason'];
export type SuppressionsAnswer = components['schemas']['SuppressionsAnswer'];
export type TemplateName = components['schemas']['TemplateName'];
export type ThreadAnswer = components['schemas']['ThreadAnswer'];
export type ThreadCompanion = components['schemas']['ThreadCompanion'];
export type ThreadsAnswer = components['schemas']['ThreadsAnswer'];
export type TimeZoneReference = components['schemas']['TimeZoneReference'];
export type UnreadCountAnswer = components['schemas']['UnreadCountAnswer'];
export type UnreadThreadBody = components['schemas']['UnreadThreadBody'];
export type UploadAnswer = components['schemas']['UploadAnswer'];
export type UserAnswer = components['schemas']['UserAnswer'];
export type UsersAnswer = components['schemas']['UsersAnswer'];
export type WaitsFor = components['schemas']['WaitsFor'];
export type WallClock = components['schemas']['WallClock'];
export type Why = components['schemas']['Why'];
export type WindowId = components['schemas']['WindowId'];
export type WorkerChange = components['schemas']['WorkerChange'];
export type WorkerFate = components['schemas']['WorkerFate'];
export type ServerEvents = components['schemas']['ServerEvents'];
export type Requests = components['schemas']['Requests'];
