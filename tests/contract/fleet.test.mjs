// The conversations on the shape "fleet": each role a process, on RabbitMQ, MongoDB and Redis.
import { describeConversations } from './conversation.mjs';

describeConversations('fleet');
