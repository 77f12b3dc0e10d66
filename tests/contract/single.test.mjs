// The conversations on the shape "single": one process, every role, embedded backends.
import { describeConversations } from './conversation.mjs';

describeConversations('single');
