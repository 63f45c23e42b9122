/** Canned answers as the server keeps them, and what one may do with them. */
import { get, post } from '../shared/api.ts';
import type { Operator } from './wire.ts';

export type CannedScope = 'own' | 'department' | 'all';

export interface CannedAnswer {
  readonly id: number;
  readonly scope: CannedScope;
  readonly departmentKey: string | null;
  readonly lang: string;
  readonly shortcut: string;
  readonly text: string;
}

export interface CannedFilter {
  readonly query?: string;
  readonly lang?: string;
  readonly departmentKey?: string;
}

export async function findCanned(filter: CannedFilter): Promise<readonly CannedAnswer[]> {
  const query = Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== ''));
  return (await get<{ readonly answers: readonly CannedAnswer[] }>('/l/o/canned-answers', query)).answers;
}

export async function saveCanned({ id, departmentKey, ...answer }: Omit<CannedAnswer, 'id'> & { readonly id?: number }): Promise<void> {
  await post('/l/o/canned-answers', {
    ...(id === undefined ? {} : { id }),
    ...(departmentKey === null ? {} : { departmentKey }),
    ...answer,
  });
}

export async function removeCanned(id: number): Promise<void> {
  await post('/l/o/canned-answers/remove', { id });
}

/** Own ones himself, a department's its supervisors, everybody's admins. */
export function mayChangeCanned(
  { roles, departmentKeys }: Operator,
  { scope, departmentKey }: Pick<CannedAnswer, 'scope' | 'departmentKey'>,
) {
  if (scope === 'own' || roles.includes('admin')) return true;
  return scope === 'department' && roles.includes('supervisor') && departmentKey !== null && departmentKeys.includes(departmentKey);
}
