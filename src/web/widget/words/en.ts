import { plural } from '../../shared/language.ts';
import { filesOf, isFile, type Message } from '../wire.ts';

export type Words = typeof en;

export const en = {
  title: 'Chat with us',
  subtitle: 'We are here to help',
  welcome: 'What can we do for you?',
  away: 'We are away at the moment',
  open: (unread: number) =>
    unread === 0 ? 'Open chat' : `Open chat, ${plural('en', unread, { one: '# unread message', other: '# unread messages' })}`,
  close: 'Close chat',
  menu: 'Menu',
  messages: 'Messages',
  newMessage: 'New message',
  scrollDown: 'Go to the newest message',
  loading: 'Loading…',

  connecting: 'Connecting…',
  noConnection: 'No connection, trying again…',
  banned: 'Chat is not available.',

  waiting: 'We are looking for somebody to help you.',
  place: (position: number) => (position === 1 ? 'You are next in line.' : `You are number ${position} in line.`),
  estimate: (time: string) => `About ${time} to go.`,
  isTyping: (name: string) => `${name} is typing`,
  chatEnded: 'This conversation has ended. Write again whenever you like.',
  messageLeft: 'Thank you, we have your message. We will answer here or by e-mail.',

  yourMessage: 'Your message',
  send: 'Send',
  attach: 'Attach a file',
  emoji: 'Emoji',
  dropHere: 'Drop files here',
  save: 'Save',
  cancel: 'Cancel',
  replyTo: (name: string) => `Reply to ${name}`,
  editing: 'Edit message',

  you: 'You',
  actions: 'Message actions',
  reply: 'Reply',
  copy: 'Copy',
  edit: 'Edit',
  remove: 'Delete',
  like: 'Helpful',
  dislike: 'Not helpful',
  sending: 'Sending',
  sent: 'Sent',
  read: 'Read',
  edited: 'edited',
  notSent: 'Not sent',
  retry: 'Try again',
  discard: 'Discard',
  quoteGone: 'The message is not there any more',
  sticker: 'Sticker',
  file: 'File',
  download: (name: string) => `Download ${name}`,
  enlarge: (name: string) => `Show ${name} large`,
  closePicture: 'Close picture',
  uploading: (name: string) => `Sending ${name}`,

  name: 'Name',
  email: 'E-mail',
  phone: 'Phone',
  department: 'Department',
  departmentAway: (name: string) => `${name} (away)`,
  prechatIntro: 'Before we start, please tell us who you are.',
  startChat: 'Start chat',
  offlineIntro: 'Nobody is here right now. Leave us a message and we will get back to you.',
  leaveMessage: 'Send message',
  contactsIntro: 'How can we reach you?',
  contacts: (fields: Readonly<Record<string, string>>): string => contactLines(fields, en),
  contactsSend: 'Send contact details',

  rateIntro: (name: string) => (name === '' ? 'How was this conversation?' : `How was your conversation with ${name}?`),
  stars: (count: number) => plural('en', count, { one: '# star', other: '# stars' }),
  rateNote: 'Anything to add? (optional)',
  rateSend: 'Send rating',
  rate: 'Rate the conversation',
  rated: 'Thank you for your rating.',
  thanks: 'Thank you!',
  skip: 'Skip',
  next: 'Next',

  mute: 'Turn sound off',
  unmute: 'Turn sound on',
  endChat: 'End the conversation',
  endChatQuestion: 'End this conversation?',
  endChatHint: 'You can write to us again at any time.',
  keepChatting: 'Keep chatting',

  announcement: (name: string, text: string) => (name === '' ? text : `${name}: ${text}`),
  shortTextOf: (message: Pick<Message, 'kind' | 'text'>): string =>
    isFile(message)
      ? filesOf(message)
          .map(({ filename }) => filename)
          .join(', ')
      : message.text,
  failure: (code: string): string => en.failures[code] ?? 'That did not work. Please try again.',
  failures: {
    'no-connection': 'There is no connection. Please try again.',
    'server-not-ready': 'The chat is busy. Please try again in a moment.',
    'max-message-length-exceeded': 'This message is too long.',
    max_file_size_exceeded: 'This file is too large.',
    file_size_too_small: 'This file is empty.',
    not_allowed_file_type: 'Files of this type cannot be sent.',
    not_matching_magic_numbers: 'The content of this file does not match its name.',
    malicious_file_detected: 'This picture is too large.',
    not_allowed: 'This message cannot be changed any more.',
    visitor_banned: 'Chat is not available.',
  } as Readonly<Record<string, string>>,
};

/** A field that has a label here under its label. */
export function contactLines(
  fields: Readonly<Record<string, string>>,
  { name, email, phone }: Pick<Words, 'name' | 'email' | 'phone'>,
): string {
  const labels: Readonly<Record<string, string>> = { name, email, phone };
  return Object.entries(fields)
    .map(([field, value]) => `${labels[field] ?? field}: ${value}`)
    .join('\n');
}
