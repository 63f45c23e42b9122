/** What main.ini says about chats, as the pure code needs it. Departments are the replica's, as they are at any moment. */
import type { Config } from '../config/config.ts';
import type { Department } from '../domain/department.ts';
import type { ChatRules } from '../domain/rules.ts';

const US = 1_000_000;

export function chatRules({ chats, limits }: Config, departments: ReadonlyMap<string, Department>): ChatRules {
  const { idleSeconds: idle } = chats;
  return {
    assignment: {
      defaultMaxChats: limits.maxChatsPerOperator,
      defaultMode: chats.assignmentMode,
      tieBreak: chats.tieBreak,
      lastOperatorFirst: chats.lastOperatorFirst,
      askAgainUs: chats.assignmentTimeoutSeconds * US,
      departments,
    },
    deadlines: {
      assignmentTimeoutUs: chats.assignmentTimeoutSeconds * US,
      offlineAfterUs: chats.offlineAfterSeconds * US,
      idleUs: {
        queue: idle.queue * US,
        chatting: idle.chatting * US,
        hold: idle.hold * US,
        invitation: idle.invitation * US,
        offline: idle.offline * US,
      },
    },
    graceUs: chats.graceSeconds * US,
    lostOperatorPolicy: chats.lostOperatorPolicy,
    reopenUs: chats.reopenSeconds * US,
    headStarts: chats.headStarts,
    subjects: chats.subjects,
  };
}
