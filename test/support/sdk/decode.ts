/** The objects of the visitor protocol, with the types that satisfy the stricter of the two platforms for each field. */
import {
  anyObject,
  type Decoder,
  DecodeError,
  filled,
  flag,
  integer,
  integerBetween,
  isObject,
  list,
  mapOf,
  maybe,
  microseconds,
  nullable,
  object,
  oneOf,
  optional,
  path,
  seconds,
  text,
  wholeSeconds,
} from './json.ts';

/** `hold` is missing: Android would show such a chat as closed. A word that is not here counts as closed too. */
export const chatState = oneOf(
  'queue',
  'chatting',
  'chatting_with_robot',
  'invitation',
  'routing',
  'closed',
  'closed_by_operator',
  'closed_by_visitor',
  'deleted',
  'unknown',
);
export const sessionState = oneOf(
  'idle',
  'idle-after-chat',
  'chat',
  'chat-showing',
  'department-selection',
  'first-question',
  'offline-message',
  'callback-hunter',
  'showing',
  'showing-auto',
  'showing-by-url-param',
  'end',
);
export const onlineStatus = oneOf('online', 'busy_online', 'offline', 'busy_offline', 'unknown');

export const operator = object({
  id: integer,
  fullname: text,
  avatar: maybe(path),
  title: maybe(text),
  additionalInfo: maybe(text),
  departmentKeys: optional(list(text)),
});

export const department = object({
  key: text,
  name: text,
  online: oneOf('online', 'busy_online', 'offline', 'busy_offline'),
  order: integer,
  localeToName: maybe(mapOf(text)),
  logo: maybe(text),
});

export const file = object({
  guid: filled,
  filename: filled,
  content_type: text,
  client_content_type: text,
  size: integer,
  visitor_id: text,
  image: maybe(object({ size: object({ width: integer, height: integer }) })),
});

const quotedMessage = object({
  id: text,
  kind: text,
  text,
  name: text,
  authorId: maybe(integer),
  ts: wholeSeconds,
  channelSideId: maybe(text),
});

const quote: Decoder<{ readonly state: string; readonly message: ReturnType<typeof quotedMessage> | null | undefined }> = (value, at) => {
  const state = oneOf('pending', 'filled', 'not-found')(anyObject(value, at)['state'], `${at}.state`);
  const message = maybe(quotedMessage)(anyObject(value, at)['message'], `${at}.message`);
  if (state === 'filled') anyObject(message, `${at}.message`);
  return { state, message };
};

const button = object({
  id: text,
  text,
  config: maybe(object({ state: oneOf('showing', 'showing_selected', 'hidden'), link: maybe(text), text_to_insert: maybe(text) })),
  params: maybe(anyObject),
});
export const keyboard = object({
  state: oneOf('pending', 'completed', 'cancelled'),
  buttons: list(list(button)),
  response: maybe(object({ buttonId: text, messageId: maybe(text) })),
});
const keyboardResponse = object({ button: object({ id: text, text }), request: object({ messageId: text }) });
const sticker = object({ stickerId: integer });
const group = object({ id: text, msg_number: integer, msg_count: integer });
const fileState = object({
  state: oneOf('upload', 'ready', 'error', 'external_checks', 'external_verification'),
  progress: maybe(integerBetween(0, 100)),
  desc: maybe(file),
  error: maybe(text),
  error_message: maybe(text),
});

const anyMessage = object({
  id: filled,
  clientSideId: filled,
  kind: text,
  text,
  name: text,
  ts: seconds,
  ts_m: microseconds,
  authorId: maybe(integer),
  avatar: maybe(path),
  read: optional(flag),
  edited: optional(flag),
  deleted: optional(flag),
  canBeEdited: optional(flag),
  canBeReplied: optional(flag),
  canVisitorReact: optional(flag),
  canVisitorChangeReaction: optional(flag),
  reaction: maybe(oneOf('like', 'dislike')),
  data: maybe(anyObject),
  quote: maybe(quote),
  chatId: maybe(text),
  sessionId: maybe(text),
});
export type Message = ReturnType<typeof anyMessage>;

const OF_OPERATOR = ['operator', 'file_operator', 'keyboard', 'cont_req'];

export const message: Decoder<Message> = (value, at) => {
  const decoded = anyMessage(value, at);
  const { kind, data } = decoded;
  if (Math.abs(decoded.ts - decoded.ts_m / 1e6) > 1) throw new DecodeError(`${at}.ts`, 'the time of ts_m in seconds', decoded.ts);
  if (OF_OPERATOR.includes(kind)) integer(decoded.authorId, `${at}.authorId`);
  if (decoded.deleted === true) return decoded;
  if (kind === 'keyboard') keyboard(data, `${at}.data`);
  if (kind === 'keyboard_response') keyboardResponse(data, `${at}.data`);
  if (kind === 'sticker_visitor') sticker(data, `${at}.data`);
  if (kind === 'file_visitor' || kind === 'file_operator') filesOf(decoded, at);
  if (kind !== 'visitor' && isObject(data) && data['group'] !== undefined) group(data['group'], `${at}.data.group`);
  return decoded;
};

export type SentFile = ReturnType<typeof file>;

/** The files of a file message. With `data` it must tell their state, or the message shows without an attachment. */
export function filesOf({ text: content, data }: Message, at: string): readonly SentFile[] {
  if (data !== null && data !== undefined) {
    const { state, desc } = fileState(data['file'], `${at}.data.file`);
    if (state !== 'ready') return desc === null || desc === undefined ? [] : [desc];
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(content);
  } catch {
    throw new DecodeError(`${at}.text`, 'JSON of a file', content);
  }
  const files = list(file)(Array.isArray(parsed) ? parsed : [parsed], `${at}.text`);
  if (files.length === 0 || files.length > 10) throw new DecodeError(`${at}.text`, '1 to 10 files', content);
  return files;
}

const rate = object({ operatorId: integer, rating: integerBetween(-2, 2), answer: maybe(integer) });

/** Oldest first. */
export const ordered: Decoder<readonly Message[]> = (value, at) => {
  const messages = list(message)(value, at);
  messages.forEach((one, i) => {
    if (i > 0 && one.ts_m < (messages[i - 1]?.ts_m ?? 0)) throw new DecodeError(`${at}[${i}].ts_m`, 'the oldest first', one.ts_m);
  });
  return messages;
};

export const chat = object({
  id: integer,
  clientSideId: filled,
  state: chatState,
  messages: ordered,
  operatorTyping: flag,
  readByVisitor: flag,
  operator: nullable(operator),
  operatorIdToRate: maybe(mapOf(rate)),
  operatorIdToResolutionSurvey: maybe(mapOf(anyObject)),
  unreadByVisitorMsgCnt: optional(integer),
  unreadByVisitorSinceTs: maybe(seconds),
  unreadByOperatorSinceTs: maybe(seconds),
  offline: optional(flag),
  visitorTyping: maybe(flag),
  creationTs: maybe(seconds),
  modificationTs: maybe(seconds),
  category: maybe(text),
  subcategory: maybe(text),
  subject: maybe(text),
  translationOptions: maybe(object({ enabled: flag, language: text })),
});
export type Chat = ReturnType<typeof chat>;
export type Rate = ReturnType<typeof rate>;
export { rate };

export const visitor = object({ id: filled, fields: optional(mapOf(text)) });

export const survey = object({
  id: text,
  config: object({
    id: integer,
    version: text,
    descriptor: object({
      forms: list(
        object({
          id: integer,
          questions: list(object({ type: oneOf('stars', 'radio', 'comment'), text, options: maybe(list(text)) })),
        }),
      ),
    }),
  }),
  current_question: object({ form_id: integer, question_id: integer }),
});
