/** All that the page knows; components show it and call its actions. */
import { type ReadonlySignal, computed, signal } from '@preact/signals';
import { ApiError, get, post } from '../shared/api.ts';
import type { LoggedInOperator } from '../shared/login.tsx';
import { watchCluster } from './link.ts';
import { type Histories, remember } from './rates.ts';
import type { Overview } from './wire.ts';

export type Who =
  | { readonly is: 'unknown' }
  | { readonly is: 'nobody'; readonly hasEnded: boolean }
  | { readonly is: 'not-admin' | 'admin'; readonly operator: LoggedInOperator };

/** An answer that is older is no news: the node or the way to it is away, whatever the request under way says. */
const FRESH_MS = 3_000;
const ASKED_SHOWN_MS = 8_000;

export type Action = 'promote' | 'handover' | 'drain' | 'undo-drain';

const who = signal<Who>({ is: 'unknown' });
const overview = signal<Overview | null>(null);
const histories = signal<Histories>(new Map());
const answeredMs = signal(0);
const nowMs = signal(0);
const isAway = signal(false);
const asked = signal('');
let end: (() => void) | undefined;
let askedTimer: ReturnType<typeof setTimeout> | undefined;

export const store = {
  who: who as ReadonlySignal<Who>,
  overview: overview as ReadonlySignal<Overview | null>,
  histories: histories as ReadonlySignal<Histories>,
  /** The page's clock, by the second. */
  nowMs: nowMs as ReadonlySignal<number>,
  /** When the last answer came, 0: none has. */
  answeredMs: answeredMs as ReadonlySignal<number>,
  isFresh: computed(() => !isAway.value && answeredMs.value > 0 && nowMs.value - answeredMs.value < FRESH_MS),
  isAway: isAway as ReadonlySignal<boolean>,
  /** What was asked for last, in words. */
  asked: asked as ReadonlySignal<string>,
};

/** Who has this page's cookie. Tries until somebody answers. */
export async function recognize(): Promise<void> {
  try {
    enter(await get<LoggedInOperator>('/l/o/me'));
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    isAway.value = error.code === 'no-connection' || error.code === 'server-not-ready';
    if (isAway.value) setTimeout(() => void recognize(), 1_000);
    else who.value = { is: 'nobody', hasEnded: false };
  }
}

export function enter(operator: LoggedInOperator): void {
  leave();
  isAway.value = false;
  if (!operator.roles.includes('admin')) {
    who.value = { is: 'not-admin', operator };
    return;
  }
  who.value = { is: 'admin', operator };
  const tick = (): void => {
    nowMs.value = Date.now();
  };
  tick();
  const clock = setInterval(tick, 1_000);
  const unwatch = watchCluster({
    answered(answer) {
      tick();
      overview.value = answer;
      histories.value = remember(histories.value, answer.nodes, nowMs.value);
      answeredMs.value = nowMs.value;
      isAway.value = false;
    },
    failed(code) {
      tick();
      if (code === 'unauthorized' || code === 'operator-disabled') {
        leave();
        who.value = { is: 'nobody', hasEnded: true };
      } else if (code === 'not-allowed') {
        leave();
        who.value = { is: 'not-admin', operator };
      } else {
        isAway.value = true;
      }
    },
  });
  end = () => {
    unwatch();
    clearInterval(clock);
  };
}

export async function logOut(): Promise<void> {
  try {
    await post('/l/o/logout');
  } catch (error) {
    // Whoever is not known any more is out already; with nobody there he stays in, and sees that.
    if (!(error instanceof ApiError) || error.code !== 'unauthorized') return;
  }
  leave();
  who.value = { is: 'nobody', hasEnded: false };
}

/** Throws ApiError. `saying`: what is told when it was accepted. */
export async function wish(action: Action, node: string, saying: string): Promise<void> {
  if (action === 'handover') await post('/l/o/cluster/handover');
  else if (action === 'promote') await post('/l/o/cluster/promote', { node });
  else await post('/l/o/cluster/drain', { node, undo: action === 'undo-drain' });
  asked.value = saying;
  clearTimeout(askedTimer);
  askedTimer = setTimeout(() => (asked.value = ''), ASKED_SHOWN_MS);
}

function leave(): void {
  end?.();
  end = undefined;
  clearTimeout(askedTimer);
  asked.value = '';
  overview.value = null;
  histories.value = new Map();
  answeredMs.value = 0;
}
