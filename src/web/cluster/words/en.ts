/** The words of /cluster. This file says which there are; the other languages have the same. */
import { plural } from '../../shared/language.ts';
import { duration } from '../../shared/time.ts';

export interface Runs {
  readonly master: string;
  readonly promoted: boolean;
  readonly slaves: number;
  readonly standbys: number;
}

export interface ClusterWords {
  readonly title: string;
  readonly heading: string;
  readonly loading: string;
  readonly console: string;
  readonly logOut: string;
  readonly ended: string;
  readonly live: string;
  /** The last answer came at this clock time. */
  readonly noAnswer: (clockTime: string) => string;
  readonly neverAnswered: string;
  readonly notAdmin: { readonly title: string; readonly text: (fullname: string, login: string) => string; readonly other: string };
  readonly headline: {
    readonly good: (runs: Runs) => string;
    readonly single: (node: string) => string;
    readonly nobodyLeads: string;
    readonly silent: (node: string, seconds: number | undefined) => string;
    readonly degraded: (node: string, reason: string | null) => string;
    readonly paused: (node: string) => string;
    readonly draining: (node: string) => string;
    readonly starting: (node: string) => string;
    readonly alone: (node: string) => string;
    /** Between two such sentences. */
    readonly and: string;
  };
  readonly nodes: string;
  readonly roles: Readonly<Record<string, string>>;
  readonly states: Readonly<Record<string, string>>;
  readonly facts: {
    readonly messages: string;
    readonly restCalls: string;
    readonly connections: string;
    readonly webSockets: (count: string) => string;
    readonly cpu: string;
    readonly memory: string;
    readonly revision: string;
    readonly upToDate: string;
    readonly behind: (count: number) => string;
    readonly version: string;
    readonly upSince: string;
    readonly place: string;
    readonly process: (pid: number) => string;
    readonly seen: (seconds: number) => string;
    readonly differs: string;
    readonly reason: string;
    readonly unknown: string;
  };
  /** What a curve of the last two minutes shows, for who does not see it. */
  readonly curve: (figure: string, most: string) => string;
  readonly lease: {
    readonly title: string;
    readonly holder: string;
    readonly nobody: string;
    readonly token: string;
    readonly expires: string;
    readonly inSeconds: (seconds: string) => string;
    readonly reason: string;
    readonly reasons: Readonly<Record<string, string>>;
    readonly promoted: string;
    readonly nothingToHandOver: string;
  };
  readonly broker: {
    readonly title: string;
    readonly transport: string;
    readonly transports: Readonly<Record<string, string>>;
    readonly state: string;
    readonly connected: string;
    readonly away: string;
    readonly place: string;
  };
  readonly database: {
    readonly title: string;
    readonly place: string;
    readonly embedded: string;
    readonly version: string;
    readonly connections: string;
    readonly size: string;
    readonly kind: string;
    readonly primary: string;
    readonly replica: string;
    readonly revision: string;
    /** When and why revisions began anew the last time. */
    readonly epoch: string;
    readonly epochReasons: Readonly<Record<string, string>>;
  };
  readonly actions: Readonly<Record<'promote' | 'handover' | 'drain' | 'undo-drain', ActionWords>>;
  readonly cancel: string;
  readonly asking: string;
  readonly errors: Readonly<Record<'node-not-found' | 'node-not-ready' | 'not-allowed' | 'no-connection' | 'other', string>>;
}

export interface ActionWords {
  /** On the button that opens the dialog. */
  readonly button: string;
  readonly title: (node: string) => string;
  /** What happens, in paragraphs. */
  readonly text: (node: string, facts: ActionFacts) => readonly string[];
  readonly confirm: string;
  /** When it is asked for and not seen yet. */
  readonly done: (node: string) => string;
}

export interface ActionFacts {
  /** Does the node lead now? */
  readonly leads: boolean;
  /** Is it the master that cluster.json names? */
  readonly isConfigured: boolean;
  /** Who leads now. */
  readonly leader: string;
}

export const en: ClusterWords = {
  title: 'Cluster · Tandem',
  heading: 'Cluster',
  loading: 'Asking the cluster…',
  console: 'Operator console',
  logOut: 'Log out',
  ended: 'Your login has ended. Please log in again.',
  live: 'Live',
  noAnswer: clockTime => `No answer. This is how it was at ${clockTime}.`,
  neverAnswered: 'The server does not answer. Trying again every second.',
  notAdmin: {
    title: 'This page is for admins',
    text: (fullname, login) => `You are logged in as ${fullname} (${login}). That account has no admin role.`,
    other: 'Log in with another account',
  },
  headline: {
    good: ({ master, promoted, slaves, standbys }) =>
      [
        `Everything runs: master ${master}${promoted ? ' (promoted)' : ''}`,
        ...(slaves > 0 ? [plural('en', slaves, { one: '# slave', other: '# slaves' })] : []),
        ...(standbys > 0 ? [plural('en', standbys, { one: '# standby', other: '# standbys' })] : []),
      ].join(', '),
    single: node => `Everything runs: ${node}, a single node`,
    nobodyLeads: 'No node is master: new chats wait until one takes over',
    silent: (node, seconds) =>
      seconds === undefined ? `${node} has not been heard of` : `${node} has not been heard of for ${duration(seconds, 'en')}`,
    degraded: (node, reason) => `${node} is degraded${reason === null ? '' : `: ${reason}`}`,
    paused: node => `${node} is paused: it cannot reach the database`,
    draining: node => `${node} is drained: it takes no clients`,
    starting: node => `${node} is starting`,
    alone: node => `${node} works alone: no other node could take over`,
    and: '; ',
  },
  nodes: 'Nodes',
  roles: { master: 'Master', slave: 'Slave', standby: 'Standby', single: 'Single node' },
  states: { running: 'Running', degraded: 'Degraded', paused: 'Paused', draining: 'Drained', starting: 'Starting', dead: 'Not heard of' },
  facts: {
    messages: 'Messages/s',
    restCalls: 'REST calls/s',
    connections: 'Connections',
    webSockets: count => `${count} by WebSocket`,
    cpu: 'CPU',
    memory: 'Memory',
    revision: 'Revision',
    upToDate: 'up to date',
    behind: count => plural('en', count, { one: '# behind', other: '# behind' }),
    version: 'Version',
    upSince: 'Up since',
    place: 'Address',
    process: pid => `process ${pid}`,
    seen: seconds => `last heard of ${duration(seconds, 'en')} ago`,
    differs: 'Settings that differ from the master’s',
    reason: 'Reason',
    unknown: '–',
  },
  curve: (figure, most) => `${figure} over the last two minutes, at most ${most}`,
  lease: {
    title: 'Leadership',
    holder: 'Master',
    nobody: 'nobody',
    token: 'Lease number',
    expires: 'Lease ends in',
    inSeconds: seconds => `${seconds} s`,
    reason: 'How it got it',
    reasons: {
      start: 'first start',
      crash: 'the master before had died',
      expired: 'its own lease had run out',
      planned: 'the master before went',
      promoted: 'an admin promoted it',
      failback: 'it is the configured master',
    },
    promoted: 'Keeps the role until you hand over.',
    nothingToHandOver: 'The configured master leads: there is nothing to hand over.',
  },
  broker: {
    title: 'Broker',
    transport: 'Nodes talk through',
    transports: { rabbitmq: 'RabbitMQ', postgresql: 'PostgreSQL (NOTIFY)', none: 'nothing: it is a single node' },
    state: 'State',
    connected: 'Connected',
    away: 'Away: nodes read the change log instead',
    place: 'Address',
  },
  database: {
    title: 'Database',
    place: 'Address',
    embedded: 'embedded',
    version: 'PostgreSQL',
    connections: 'Connections',
    size: 'Size',
    kind: 'Kind',
    primary: 'Primary',
    replica: 'Replica, read-only',
    revision: 'Newest revision',
    epoch: 'Begun anew',
    epochReasons: {
      timeline: 'a standby was promoted, or a backup restored',
      'other-database': 'a dump was loaded',
      'set-back': 'it was set back: commits were gone',
      'by-hand': 'by an administrator',
    },
  },
  actions: {
    promote: {
      button: 'Make master',
      title: node => `Make ${node} master?`,
      text: (node, { leader }) => [
        `Within a second or two ${node} takes the master’s work over${leader === '' ? '' : ` from ${leader}`}: it assigns chats and watches their deadlines. No connection is lost.`,
        `It stays master until you hand over.`,
      ],
      confirm: 'Make master',
      done: node => `Asked ${node} to become master.`,
    },
    handover: {
      button: 'Hand over',
      title: node => `Hand over to ${node}?`,
      text: node => [
        `The promotion ends. ${node} is the configured master and takes the work back as soon as it has been ready for ten seconds. No connection is lost.`,
      ],
      confirm: 'Hand over',
      done: node => `Asked for the hand-over to ${node}.`,
    },
    drain: {
      button: 'Drain',
      title: node => `Drain ${node}?`,
      text: (node, { leads }) => [
        `${leads ? 'It hands the master’s work over first. ' : ''}Its clients are sent to the other nodes, where they go on by themselves; nothing is lost.`,
        `${node} runs on without clients until you take it back or stop it.`,
      ],
      confirm: 'Drain',
      done: node => `Asked ${node} to drain.`,
    },
    'undo-drain': {
      button: 'Take back',
      title: node => `Take ${node} back?`,
      text: (node, { isConfigured }) => [
        `Within a few seconds ${node} takes clients again.${isConfigured ? ' It is the configured master: unless another node was promoted, it leads again ten seconds later.' : ''}`,
      ],
      confirm: 'Take back',
      done: node => `Asked ${node} to take clients again.`,
    },
  },
  cancel: 'Cancel',
  asking: 'Asking…',
  errors: {
    'node-not-found': 'This node is not there any more.',
    'node-not-ready': 'That is not possible now:',
    'not-allowed': 'You are not an admin any more.',
    'no-connection': 'The server does not answer. Nothing may have changed: look, and try again.',
    other: 'That did not work. Please try again in a moment.',
  },
};
