// The conversations on the shape "single": one process, every role, embedded backends.
import { changes } from './changes.mjs';
import { conversations } from './conversation.mjs';
import { inbox } from './inbox.mjs';
import { onShape } from './stage.mjs';
import { presence } from './presence.mjs';

onShape('single', [conversations, changes, inbox, presence]);
