// The conversations on the shape "fleet": each role a process, on RabbitMQ, MongoDB and Redis.
import { changes } from './changes.mjs';
import { conversations } from './conversation.mjs';
import { inbox } from './inbox.mjs';
import { onShape } from './stage.mjs';
import { presence } from './presence.mjs';

onShape('fleet', [conversations, changes, inbox, presence]);
