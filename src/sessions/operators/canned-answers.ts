/** Canned answers as operators find and keep them (docs/protocol/operator.md). All throw ChatError. */
import {
  CANNED_SCOPES,
  type CannedAnswer,
  type CannedOwner,
  type CannedScope,
  isSameOwner,
  MAX_CANNED_ANSWERS,
  mayChangeCanned,
} from '../../domain/canned-answer.ts';
import { ChatError } from '../../domain/error.ts';
import { isAdmin, type Operator } from '../../domain/operator.ts';
import { type Parameters, wrong } from '../../protocol/parameters.ts';
import type { Services } from '../services.ts';

const MAX_LISTED = 200;
const MAX_OFFSET = 1_000_000;
const MAX_LANG = 20;
const SHORTCUT = { max: 50, pattern: /^[^\s\p{Cc}]+$/u };
const TEXT = { max: 10_000, pattern: /\S/ };

/** What this operator may use; `lang` and `departmentKey` leave out those of other languages and departments. */
export async function listCannedAnswers(services: Services, operator: Operator, parameters: Parameters): Promise<object> {
  const query = (parameters.optionalText('query', { max: 200 }) ?? '').trim();
  const lang = given(parameters.optionalText('lang', { max: MAX_LANG }));
  const departmentKey = given(parameters.optionalText('departmentKey', { max: 100, isExact: true }));
  if (departmentKey !== undefined) await checkDepartment(services, departmentKey);
  const offset = parameters.optionalInteger('cursor', { min: 0, max: MAX_OFFSET }) ?? 0;
  const { rows: answers, hasMore } = await services.cannedAnswers.list({
    operatorId: operator.id,
    departmentKeys: departmentsOf(operator, departmentKey),
    query,
    lang,
    offset,
    limit: MAX_LISTED,
  });
  const cursor = hasMore ? String(offset + answers.length) : null;
  return { result: 'ok', data: { answers: answers.map(shownAnswer), cursor } };
}

/** A new one, or with `id` one that is there. */
export async function saveCannedAnswer(services: Services, operator: Operator, parameters: Parameters): Promise<object> {
  const { cannedAnswers } = services;
  const id = parameters.optionalInteger('id', { min: 1, max: Number.MAX_SAFE_INTEGER });
  const owner = readOwner(operator, parameters);
  const answer = {
    ...owner,
    lang: parameters.optionalText('lang', { max: MAX_LANG, pattern: /^[\w-]*$/ }) ?? '',
    shortcut: parameters.text('shortcut', SHORTCUT),
    text: parameters.text('text', TEXT),
  };
  const before = id === undefined ? undefined : await changeable(services, operator, id);
  if (owner.departmentKey !== null) await checkDepartment(services, owner.departmentKey);
  refuseUnlessAllowed(operator, owner);
  // Those who add at the same moment may pass the bound by their number: it only keeps the table from growing for ever.
  if ((before === undefined || !isSameOwner(before, owner)) && (await cannedAnswers.count(owner)) >= MAX_CANNED_ANSWERS) {
    throw new ChatError('conflict', 'too-many', `there are ${MAX_CANNED_ANSWERS} answers of this scope already, remove some first`);
  }
  if (before === undefined) return { result: 'ok', data: { id: await cannedAnswers.add(answer) } };
  if (!(await cannedAnswers.replace(before, answer))) throw unknown(before.id);
  return { result: 'ok', data: { id: before.id } };
}

export async function removeCannedAnswer(services: Services, operator: Operator, parameters: Parameters): Promise<object> {
  const answer = await changeable(services, operator, parameters.key('id'));
  if (!(await services.cannedAnswers.remove(answer))) throw unknown(answer.id);
  return { result: 'ok' };
}

/** Another operator's own answer is as unknown as one that never was. */
async function changeable({ cannedAnswers }: Services, operator: Operator, id: number): Promise<CannedAnswer> {
  const answer = await cannedAnswers.find(id);
  if (answer === undefined || (answer.scope === 'own' && answer.operatorId !== operator.id)) throw unknown(id);
  refuseUnlessAllowed(operator, answer);
  return answer;
}

function refuseUnlessAllowed(operator: Operator, owner: CannedOwner): void {
  if (mayChangeCanned(operator, owner)) return;
  const who = owner.scope === 'department' ? 'supervisors of the department and admins' : 'admins';
  throw new ChatError('forbidden', 'not-allowed', `these answers are changed by ${who} only`);
}

function readOwner(operator: Operator, parameters: Parameters): CannedOwner {
  const scope = parameters.text('scope', { max: 20 });
  if (!isScope(scope)) throw wrong('scope', `${CANNED_SCOPES.join(', ')} are known`);
  return {
    scope,
    operatorId: scope === 'own' ? operator.id : null,
    departmentKey: scope === 'department' ? parameters.text('departmentKey', { max: 100, isExact: true }) : null,
  };
}

function isScope(scope: string): scope is CannedScope {
  return (CANNED_SCOPES as readonly string[]).includes(scope);
}

/** A department may have been added a moment ago, by another process. */
async function checkDepartment({ replica, feed }: Services, key: string): Promise<void> {
  if (!replica.departments.has(key)) await feed.catchUp();
  if (!replica.departments.has(key)) throw new ChatError('not-found', 'department-not-found', `there is no department '${key}'`);
}

/** Whose answers he may use; undefined: of all. */
function departmentsOf(operator: Operator, wanted: string | undefined): readonly string[] | undefined {
  const own = isAdmin(operator) ? undefined : operator.departmentKeys;
  if (wanted === undefined) return own;
  return own === undefined || own.includes(wanted) ? [wanted] : [];
}

function shownAnswer({ id, scope, departmentKey, lang, shortcut, text }: CannedAnswer): object {
  return { id, scope, departmentKey, lang, shortcut, text };
}

/** An empty field of a form is none. */
function given(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}

function unknown(id: number): ChatError {
  return new ChatError('not-found', 'not-found', `there is no canned answer ${id}`);
}
