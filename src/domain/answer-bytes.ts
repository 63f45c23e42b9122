/** How large answers to clients may be. What does not fit comes with the next page. */

/** Of a page: what a client is sent and what the database sends for it, about. One item is always sent, whatever its size. */
export const PAGE_BYTES = 1_048_576;
/** Of the messages that come with a chat; older ones are in its history. */
export const CHAT_BYTES = 262_144;
