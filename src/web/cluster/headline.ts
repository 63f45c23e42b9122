/** How the cluster is, in one sentence. Pure. */
import type { ClusterWords } from './words/en.ts';
import { type ClusterNode, isReady, type Overview } from './wire.ts';

export type Tone = 'good' | 'warn' | 'bad';

export interface Headline {
  readonly tone: Tone;
  readonly text: string;
  /** Without seconds, which change with each answer: what is read aloud. */
  readonly spoken: string;
}

interface Trouble {
  readonly tone: Tone;
  readonly text: string;
  readonly spoken: string;
}

export function headlineOf({ leader, lease, nodes }: Overview, words: ClusterWords): Headline {
  const troubles = [
    ...(leader === null ? [trouble('bad', words.headline.nobodyLeads)] : []),
    ...nodes.flatMap(node => troubleOf(node, words)),
    ...aloneIn(nodes, words),
  ];
  if (troubles.length > 0) {
    return {
      tone: troubles.some(({ tone }) => tone === 'bad') ? 'bad' : 'warn',
      text: troubles.map(({ text }) => text).join(words.headline.and),
      spoken: troubles.map(({ spoken }) => spoken).join(words.headline.and),
    };
  }
  const [only] = nodes;
  const count = (role: string): number => nodes.filter(node => node.role === role).length;
  const text =
    only?.role === 'single'
      ? words.headline.single(only.node)
      : words.headline.good({
          master: leader ?? '',
          promoted: lease?.promoted === true,
          slaves: count('slave'),
          standbys: count('standby'),
        });
  return { tone: 'good', text, spoken: text };
}

function troubleOf(node: ClusterNode, { headline }: ClusterWords): Trouble[] {
  switch (node.state) {
    case 'running':
      return [];
    case 'dead':
      return [trouble('bad', headline.silent(node.node, node.seenSecondsAgo), headline.silent(node.node, undefined))];
    case 'paused':
      return [trouble('bad', headline.paused(node.node))];
    case 'degraded':
      return [trouble('warn', headline.degraded(node.node, node.reason), headline.degraded(node.node, null))];
    case 'draining':
      return [trouble('warn', headline.draining(node.node))];
    default:
      return [trouble('warn', headline.starting(node.node))];
  }
}

/** A cluster of which one node is left lives on, until that one goes too. A dead one is named already. */
function aloneIn(nodes: readonly ClusterNode[], { headline }: ClusterWords): Trouble[] {
  const [only, ...others] = nodes.filter(isReady);
  if (only === undefined || others.length > 0 || only.mode === 'single') return [];
  return [trouble('warn', headline.alone(only.node))];
}

function trouble(tone: Tone, text: string, spoken = text): Trouble {
  return { tone, text, spoken };
}
