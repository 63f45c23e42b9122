/**
 * Every key of main.ini on one page: what it may be, its default, and one line on what it does. Reading, defaults,
 * `check-config`, "did you mean" and the test that holds main.ini against this all use this table. Units stand in the
 * name of a key, or in `integer`.
 */
import type { z } from 'zod';
import {
  basePath,
  extensions,
  fieldsVersions,
  headStarts,
  hosts,
  integer,
  listenAddress,
  longSecret,
  namedSecrets,
  oneOf,
  origins,
  proxies,
  statuses,
  subjects,
  text,
  yesNo,
} from './value-types.ts';

export interface Key {
  readonly type: z.ZodType;
  /** As it would stand in main.ini; empty: not set. */
  readonly default: string;
  readonly doc: string;
  readonly secret?: true;
}

const port = integer(1, 65_535);
const tlsMode = oneOf('disable', 'require', 'verify-full');
const idleSeconds = integer(0, 315_360_000);

export const KEYS = {
  listen: { type: listenAddress, default: '127.0.0.1', doc: 'Address that the node listens on. Flag --listen.' },
  port: { type: integer(0, 65_535), default: '8260', doc: 'Port that the node listens on (0: any free one). Flag --port.' },
  log_level: { type: oneOf('error', 'warn', 'info', 'debug'), default: 'info', doc: 'error, warn, info or debug. Flag --log_level.' },
  data_dir: { type: text, default: 'var', doc: 'Where the embedded PostgreSQL keeps its data; relative to the folder of main.ini.' },

  mq_host: {
    type: hosts({ sockets: false }),
    default: '',
    doc: 'RabbitMQ: one host or several separated by commas, each with or without :port. Not set: the nodes sync through PostgreSQL.',
  },
  mq_port: { type: port, default: '5672', doc: 'Port of RabbitMQ, for hosts without one.' },
  mq_username: { type: text, default: 'guest', doc: 'User of RabbitMQ.' },
  mq_password: { type: text, default: 'guest', doc: 'Password of RabbitMQ.', secret: true },
  mq_virtual_host: { type: text, default: '/', doc: 'Virtual host of RabbitMQ.' },
  mq_node_id_prefix: {
    type: text.regex(/^[\w.-]{1,100}$/, 'must be letters, digits, _ . or -, at most 100'),
    default: 'chat',
    doc: 'Names of exchanges begin with it. Two installations on one broker need two prefixes.',
  },

  mq_tls: {
    type: tlsMode,
    default: 'disable',
    doc: 'TLS to RabbitMQ: disable, require (encrypted, whoever answers) or verify-full (mq_tls_ca and the name of the host are checked).',
  },
  mq_tls_ca: { type: text, default: '', doc: "File (PEM) of the authority that signs the broker's certificate. Not set: the public ones." },
  mq_tls_cert: { type: text, default: '', doc: 'File (PEM) of the certificate that the nodes show the broker. Not set: none.' },
  mq_tls_key: { type: text, default: '', doc: 'File (PEM) of its private key.' },

  db_host: {
    type: hosts({ sockets: true }),
    default: '',
    doc: 'PostgreSQL: one host or several separated by commas. Not set: the embedded PostgreSQL (single node only).',
  },
  db_port: { type: port, default: '5432', doc: 'Port of PostgreSQL, for hosts without one.' },
  db_name: { type: text, default: 'chat', doc: 'Database.' },
  db_username: { type: text, default: 'chat', doc: 'User of PostgreSQL.' },
  db_password: { type: text, default: '', doc: 'Password of PostgreSQL.', secret: true },
  db_tls: {
    type: tlsMode,
    default: 'disable',
    doc: 'TLS to PostgreSQL: disable, require (encrypted, whoever answers) or verify-full (db_tls_ca and the name of the host are checked).',
  },
  db_tls_ca: { type: text, default: '', doc: 'File (PEM) of the authority that signs its certificate. Not set: the public ones.' },
  db_tls_cert: { type: text, default: '', doc: 'File (PEM) of the certificate that the nodes show PostgreSQL. Not set: none.' },
  db_tls_key: { type: text, default: '', doc: 'File (PEM) of its private key.' },
  db_pooler: { type: oneOf('none', 'transaction'), default: 'none', doc: 'transaction: db_host is a pooler in transaction mode.' },
  db_direct_host: {
    type: hosts({ sockets: true }),
    default: '',
    doc: 'Behind a pooler: the server itself, or several separated by commas, for migrations and, without mq_host, for LISTEN.',
  },
  db_direct_port: { type: port, default: '5432', doc: 'Port of db_direct_host.' },

  max_chats_per_operator: {
    type: integer(1, 1_000),
    default: '5',
    doc: 'Chats that an operator has at most, unless he has a limit of his own.',
  },
  operator_statuses: {
    type: statuses,
    default: '',
    doc: 'Further statuses, name:sort:title separated by commas; sort is takes, none or offline.',
  },
  operator_session_hours: { type: integer(1, 8_760), default: '12', doc: 'A login of an operator ends after so long without use.' },
  operator_grace_seconds: {
    type: integer(0, 3_600),
    default: '30',
    doc: 'An operator whose last connection is lost keeps his status and his chats for so long, then he is offline.',
  },
  lost_operator_policy: {
    type: oneOf('requeue', 'hold', 'transfer'),
    default: 'requeue',
    doc: 'His chats then: requeue, hold (his until somebody writes), or transfer to colleagues with room.',
  },

  assignment_mode: {
    type: oneOf('automatic', 'manual', 'mixed'),
    default: 'mixed',
    doc: 'automatic: chats are assigned; manual: operators take them; mixed: both. Departments may have their own.',
  },
  assignment_timeout_seconds: {
    type: integer(1, 86_400),
    default: '60',
    doc: 'Who does not take an assigned chat within so long loses it to the next one, and is not asked again for as long.',
  },
  assignment_tie_break: {
    type: oneOf('random', 'idle'),
    default: 'random',
    doc: 'Among operators with as few chats: random, or idle, the one whose number of chats is the same for longest.',
  },
  last_operator_first: {
    type: yesNo,
    default: 'yes',
    doc: 'A visitor who comes back is given to the operator he had, if that one is there and has room.',
  },
  priority_pages: {
    type: headStarts,
    default: '',
    doc: 'Chats begun on such pages go before others by so many seconds: <pattern> <seconds>, separated by commas.',
  },
  queue_offline_seconds: {
    type: integer(0, 86_400),
    default: '120',
    doc: 'A waiting chat is an offline chat when nobody of its department has been there for so long. 0: never.',
  },
  reopen_minutes: {
    type: integer(0, 10_080),
    default: '30',
    doc: 'A visitor who writes within so long after his chat was closed goes on with it. 0: a new chat.',
  },
  idle_queue_seconds: {
    type: idleSeconds,
    default: '86400',
    doc: 'A waiting chat in which nothing is said for so long is closed. 0: never.',
  },
  idle_chatting_seconds: { type: idleSeconds, default: '43200', doc: 'The same of a chat that an operator has.' },
  idle_hold_seconds: { type: idleSeconds, default: '86400', doc: 'The same of a chat on hold.' },
  idle_invitation_seconds: { type: idleSeconds, default: '3600', doc: 'The same of an invitation that its visitor does not answer.' },
  idle_offline_seconds: { type: idleSeconds, default: '2592000', doc: 'The same of an offline chat that waits.' },
  chat_subjects: {
    type: subjects,
    default: '',
    doc: 'What chats may be about: <category>: <subject>, or <subject>, separated by commas. Not set: any words.',
  },
  assignment_retention_days: { type: integer(1, 3_650), default: '90', doc: 'For how long is kept why a chat was assigned to whom.' },
  message_retention_days: {
    type: integer(0, 36_500),
    default: '0',
    doc: 'Closed chats with their messages and files are deleted after so long. 0: never.',
  },
  log_retention_hours: {
    type: integer(1, 8_760),
    default: '24',
    doc: 'For how long the change log is kept. Nodes that were away for longer load anew.',
  },

  allowed_origins: {
    type: origins,
    default: '',
    doc: 'Web sites whose pages may use operator logins by cookie, e.g. https://desk.example.org.',
  },
  trusted_proxies: {
    type: proxies,
    default: 'loopback',
    doc: 'Addresses (or loopback, uniquelocal) of the proxies whose X-Forwarded-For counts.',
  },
  base_path: {
    type: basePath,
    default: '',
    doc: 'The path of another site that the chat stands under, such as /chat (docs/two-hosts.md). Not set: it has a host name of its own.',
  },

  visitor_fields_versions: {
    type: fieldsVersions,
    default: '3',
    doc: 'Versions of signed visitor fields that are accepted, of 1, 2, 3. 1 and 2 can be re-cut: docs/visitor-fields.md.',
  },
  visitor_fields_keys: {
    type: namedSecrets,
    default: '',
    doc: 'Keys with which your site or app signs who a visitor is (version 3): <id>:<secret>, several separated by commas. Not set: refused.',
    secret: true,
  },
  visitor_fields_key: {
    type: longSecret,
    default: '',
    doc: 'Key of versions 1 and 2, at least 32 characters. Another one than those of visitor_fields_keys.',
    secret: true,
  },
  visitor_fields_hash: {
    type: oneOf('hmac-sha256', 'sha256', 'sha512'),
    default: 'hmac-sha256',
    doc: 'How version 2 is signed: hmac-sha256, sha256 or sha512.',
  },
  backend_key: {
    type: longSecret,
    default: '',
    doc: 'Key with which your backend says who a provided_auth_token is, at least 32 characters. Not set: it cannot.',
    secret: true,
  },

  visitor_bare_ids: {
    type: oneOf('refuse', 'accept-once'),
    default: 'refuse',
    doc: 'Devices from a version without secrets, which know their id alone: refuse (a new visitor), or accept-once (docs/security.md).',
  },

  push_fcm_credentials: {
    type: text,
    default: '',
    doc: 'File of a Firebase service account (JSON), relative to the folder of main.ini. Not set: nothing is pushed.',
  },
  push_fcm_url: { type: text, default: 'https://fcm.googleapis.com', doc: 'Where notifications are sent.' },
  push_after_seconds: { type: integer(1, 3_600), default: '5', doc: 'A message is pushed when the visitor has not read it after so long.' },
  survey_file: {
    type: text,
    default: '',
    doc: 'File (JSON) with what visitors are asked when an operator has closed their chat. Not set: nothing.',
  },
  hello_message: { type: text, default: '', doc: 'Greeting that apps show before the first message. Not set: none.' },

  max_message_length: { type: integer(1, 100_000, 'characters'), default: '32000', doc: 'Characters of a message.' },
  max_request_megabytes: {
    type: integer(1, 100),
    default: '10',
    doc: 'Size of a request. client_max_body_size in nginx-sites must be the same.',
  },
  upload_types: {
    type: extensions,
    default:
      'jpg, jpeg, jfif, png, gif, webp, heic, heif, pdf, doc, docx, xls, xlsx, ppt, pptx, odt, ods, rtf, txt, csv, mp3, m4a, ogg, oga, opus, wav, amr, mp4, mov, webm',
    doc: 'Files that may be sent, by extension; their content must be what it says.',
  },
  upload_messages: {
    type: oneOf('each', 'together'),
    default: 'each',
    doc: 'each: a file is a message. together: the app sends its uploads as one message (uploadFilesToServer, sendFiles).',
  },
  propose_rating_before_close: {
    type: yesNo,
    default: 'no',
    doc: 'yes: Android apps ask for a rating when the visitor closes the chat.',
  },
  upload_min_rate: {
    type: integer(0, 1_000_000_000, 'bytes per second'),
    default: '1024',
    doc: 'Bytes per second: an upload that is slower for 30 seconds is cut.',
  },
  poll_hold_seconds: { type: integer(1, 40), default: '25', doc: 'How long a long poll is held. SDKs give up after 44 s.' },
  ws_buffer_bytes: {
    type: integer(65_536, 268_435_456),
    default: '1048576',
    doc: 'A WebSocket client with more than this waiting is closed and resumes.',
  },
  ring_megabytes: { type: integer(1, 4_096), default: '64', doc: 'Recent changes kept in memory for clients that come back.' },
  commit_queue_length: {
    type: integer(100, 1_000_000, 'commands'),
    default: '10000',
    doc: 'Commands that wait for a commit at most; more are told to try later.',
  },
  max_connections: {
    type: integer(100, 1_000_000),
    default: '10000',
    doc: 'Connections of clients and proxies at most; lowered to what the limit of open files allows.',
  },
  ws_handshakes_per_second: {
    type: integer(10, 100_000),
    default: '3000',
    doc: 'WebSockets of visitors that may be opened per second; others are told when to come back. Operators are not held up.',
  },
  visitor_actions_per_second: {
    type: integer(1, 100_000),
    default: '10',
    doc: 'Actions of one visitor (messages too), after a burst of five times as many; faster ones wait, then are told to try later.',
  },
  visitor_reads_per_second: {
    type: integer(1, 100_000),
    default: '20',
    doc: 'The same of what one visitor reads: history, searches, files.',
  },
  visitor_connections_per_address: {
    type: integer(1, 1_000_000),
    default: '200',
    doc: 'WebSockets of visitors from one address (IPv6: /64) at most, and as many held polls. limit_conn in nginx-sites is higher.',
  },
  visitor_inits_per_second: {
    type: integer(1, 100_000),
    default: '5',
    doc: 'New visitors from one address (IPv6: /64), after a burst of ten times as many; others are told to try later.',
  },
  visitor_chats_per_minute: {
    type: integer(1, 1_000_000),
    default: '60',
    doc: 'Chats that are begun from one address (IPv6: /64), after a burst of as many; others are told to try later.',
  },
} as const satisfies Readonly<Record<string, Key>>;

export type KeyName = keyof typeof KEYS;
