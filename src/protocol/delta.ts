/** The item of every delta list, for visitors and operators alike, and the frames made of them. */
import type { Revision } from '../domain/change.ts';

export interface Delta {
  readonly objectType: string;
  readonly event: 'add' | 'upd' | 'del';
  /** Visitors: always a string. Operators: as operator.md 3.2 says. */
  readonly id: string | number;
  readonly data: unknown;
}

/** A delta as JSON text. Of two with the same `latest` key in one frame only the later one is needed. */
export interface RenderedDelta {
  readonly json: string;
  readonly latest: string | undefined;
}

/** Kinds that carry a whole value, not a step: the last one of a frame says it all. */
const LATEST_ONLY: ReadonlySet<string> = new Set([
  'CHAT_STATE',
  'CHAT_READ',
  'CHAT_READ_BY_VISITOR',
  'CHAT_UNREAD_BY_OPERATOR_SINCE_TS',
  'UNREAD_BY_VISITOR',
  'HISTORY_REVISION',
  'OPERATOR_STATUS',
  'DEPARTMENT_LIST',
]);

export function render(delta: Delta): RenderedDelta {
  return {
    json: JSON.stringify(delta),
    latest: LATEST_ONLY.has(delta.objectType) ? `${delta.objectType} ${delta.id}` : undefined,
  };
}

/** `revision` undefined: signals and derived values, which do not move the client's `since`. */
export function deltaFrame(revision: Revision | undefined, deltas: readonly RenderedDelta[]): string {
  const list = `"deltaList":[${fold(deltas).join(',')}]`;
  return revision === undefined ? `{${list}}` : `{"revision":"${revision}",${list}}`;
}

/** `fullUpdate` is JSON text. */
export function fullUpdateFrame(revision: Revision, fullUpdate: string, resync?: 'too-old' | 'ahead'): string {
  const why = resync === undefined ? '' : `"resync":"${resync}",`;
  return `{"revision":"${revision}",${why}"fullUpdate":${fullUpdate}}`;
}

function fold(deltas: readonly RenderedDelta[]): string[] {
  if (deltas.length === 1) return [deltas[0]?.json ?? ''];
  const last = new Map<string, RenderedDelta>();
  for (const delta of deltas) if (delta.latest !== undefined) last.set(delta.latest, delta);
  const kept: string[] = [];
  for (const delta of deltas) if (delta.latest === undefined || last.get(delta.latest) === delta) kept.push(delta.json);
  return kept;
}
