/** Whole answers: init and delta, history, configs and the rest. */
import {
  chat,
  chatState,
  department,
  file,
  message,
  onlineStatus,
  operator,
  ordered,
  rate,
  sessionState,
  survey,
  visitor,
} from './decode.ts';
import {
  anyObject,
  type Decoder,
  DecodeError,
  filled,
  flag,
  integer,
  type JsonObject,
  list,
  maybe,
  nothing,
  nullable,
  object,
  oneOf,
  optional,
  seconds,
  text,
  textOrInteger,
} from './json.ts';

export const fullUpdate = object({
  pageId: filled,
  authToken: filled,
  visitSessionId: filled,
  visitor,
  state: sessionState,
  onlineStatus,
  chat: nullable(chat),
  departments: optional(list(department)),
  historyRevision: optional(integer),
  hintsEnabled: optional(flag),
  showHelloMessage: optional(flag),
  chatStartAfterMessage: optional(flag),
  helloMessageDescr: maybe(text),
  survey: maybe(survey),
  visitorFull: maybe(visitor),
});
export type FullUpdate = ReturnType<typeof fullUpdate>;

/** What `data` of a delta item is, by its type. */
const DATA = {
  CHAT: nullable(chat),
  CHAT_MESSAGE: nullable(message),
  CHAT_STATE: chatState,
  CHAT_OPERATOR: nullable(operator),
  CHAT_OPERATOR_TYPING: flag,
  CHAT_READ_BY_VISITOR: flag,
  CHAT_UNREAD_BY_OPERATOR_SINCE_TS: nullable(seconds),
  UNREAD_BY_VISITOR: object({ sinceTs: seconds, msgCnt: integer }),
  MESSAGE_READ: flag,
  HISTORY_REVISION: object({ revision: textOrInteger }),
  VISIT_SESSION_STATE: sessionState,
  DEPARTMENT_LIST: list(department),
  OPERATOR_RATE: rate,
  SURVEY: nullable(survey),
  VISITOR_FULL: visitor,
  CHAT_ID: integer,
  VISIT_SESSION_LANG: text,
} as const;
type ObjectType = keyof typeof DATA;
export type KnownDelta = {
  [T in ObjectType]: {
    readonly objectType: T;
    readonly event: 'add' | 'upd' | 'del';
    readonly id: string;
    readonly data: ReturnType<(typeof DATA)[T]>;
  };
}[ObjectType];

const ANY_EVENT: readonly ObjectType[] = ['CHAT_MESSAGE', 'DEPARTMENT_LIST', 'SURVEY', 'VISIT_SESSION_LANG'];
const anyDelta = object({ objectType: text, event: oneOf('add', 'upd', 'del'), id: text });

/** undefined: a type that no app knows, and that none minds. */
const delta: Decoder<KnownDelta | undefined> = (value, at) => {
  const { objectType, event, id } = anyDelta(value, at);
  if (!Object.hasOwn(DATA, objectType)) return undefined;
  const type = objectType as ObjectType;
  if (event !== 'upd' && !ANY_EVENT.includes(type)) throw new DecodeError(`${at}.event`, `upd for ${type}`, event);
  const { data } = value as JsonObject;
  const where = `${at}(${type}).data`;
  if (type === 'CHAT_MESSAGE') {
    const decoded = event === 'del' ? nothing(data, where) : message(data, where);
    return { objectType: type, event, id, data: decoded };
  }
  return { objectType, event, id, data: DATA[type](data, where) } as KnownDelta;
};

export interface Frame {
  /** Absent: nothing new. */
  readonly revision: string | undefined;
  readonly fullUpdate: FullUpdate | undefined;
  /** The visitor as he came, to be given back unchanged. */
  readonly visitor: JsonObject | undefined;
  readonly deltaList: readonly (KnownDelta | undefined)[];
  readonly rawDeltas: readonly JsonObject[];
}

/** An answer to init or delta. */
export function decodeFrame(body: JsonObject, what: string): Frame {
  const given = optional(textOrInteger)(body['revision'], `${what}.revision`);
  const revision = given === undefined ? undefined : String(given);
  if (revision === '0') throw new DecodeError(`${what}.revision`, 'anything but 0 (the client would init without end)', given);
  if (revision === undefined && what === 'delta') {
    return { revision, fullUpdate: undefined, visitor: undefined, deltaList: [], rawDeltas: [] };
  }
  const full = optional(fullUpdate)(body['fullUpdate'], `${what}.fullUpdate`);
  const isRead = full === undefined || what === 'init';
  const rawDeltas = isRead ? (optional(list(anyObject))(body['deltaList'], `${what}.deltaList`) ?? []) : [];
  return {
    revision,
    fullUpdate: full,
    visitor: full === undefined ? undefined : anyObject(anyObject(body['fullUpdate'], what)['visitor'], what),
    deltaList: rawDeltas.map((item, i) => delta(item, `${what}.deltaList[${i}]`)),
    rawDeltas,
  };
}

const olderPage = object({ hasMore: flag, messages: ordered });
const newestPage = object({ revision: filled, hasMore: flag, messages: ordered });
const newerPage = object({ revision: filled, hasMore: flag, messages: list(message) });
export const newestHistory = object({ result: oneOf('ok'), data: optional(newestPage) });
export const newerHistory = object({ result: oneOf('ok'), data: optional(newerPage) });
export const olderHistory = object({ result: oneOf('ok'), data: optional(olderPage) });

export const found = object({ result: oneOf('ok'), data: object({ count: integer, items: list(message) }) });
export const uploaded = object({ result: oneOf('ok'), data: file });
export const online = object({ onlineOperators: flag, onlineStatus });

const configShape = object({
  accountConfig: optional(anyObject),
  locationSettings: optional(anyObject),
  routingRules: maybe(list(anyObject)),
});

export type Configs = ReturnType<typeof configShape>;

/** Android dies of a rated account whose location settings say nothing of chats. */
export const configs: Decoder<Configs> = (value, at) => {
  const decoded = configShape(value, at);
  const { accountConfig, locationSettings } = decoded;
  for (const key of ['rate_operator', 'web_and_mobile_quoting', 'check_visitor_auth']) optional(flag)(accountConfig?.[key], `${at}.${key}`);
  if (accountConfig?.['rate_operator'] === true && locationSettings !== undefined) {
    anyObject(locationSettings['chat'], `${at}.locationSettings.chat`);
  }
  return decoded;
};
