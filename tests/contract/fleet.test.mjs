// The conversations on the shape "fleet": each role a process, on RabbitMQ, MongoDB and Redis.
import { blocks } from './blocks.mjs';
import { attachments } from './attachments.mjs';
import { changes } from './changes.mjs';
import { consoles } from './console.mjs';
import { conversations, restarts } from './conversation.mjs';
import { doors } from './doors.mjs';
import { drafts } from './drafts.mjs';
import { edits } from './edits.mjs';
import { faults, floods } from './faults.mjs';
import { groups } from './groups.mjs';
import { inbox } from './inbox.mjs';
import { onShape } from './stage.mjs';
import { ops } from './ops.mjs';
import { SHORT_GRACE, meanwhile } from './meanwhile.mjs';
import { mentions } from './mentions.mjs';
import { acquaintances, peopleSearches } from './people-search.mjs';
import { pins } from './pins.mjs';
import { presence } from './presence.mjs';
import { replies } from './replies.mjs';
import { reports } from './reports.mjs';
import { scheduledMessages, scheduledOverKills } from './scheduled.mjs';
import { searches } from './search.mjs';
import { security } from './security.mjs';
import { traps } from './traps.mjs';
import { unread } from './unread.mjs';

onShape('fleet', { together: [conversations, attachments, changes, replies, edits, unread, drafts, scheduledMessages, pins, mentions, groups, blocks, reports, inbox, presence, faults, traps, searches, security, doors, ops, consoles, acquaintances], alone: [restarts, scheduledOverKills] });
onShape('fleet', { together: [floods, peopleSearches, meanwhile] }, { ...SHORT_GRACE, EVENTS_PER_MINUTE: '0', REST_PER_MINUTE_USER: '0', PEOPLE_SEARCH: 'everybody' });
