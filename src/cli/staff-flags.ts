/** What the flags of `operator …` and `department …` say, checked: a UsageError names the flag that is wrong. */
import { readText } from '../config/text-file.ts';
import { cutText } from '../domain/text.ts';
import type { DepartmentEdit, OperatorEdit } from '../commands/staff.ts';
import { ASSIGNMENT_MODES, type AssignmentMode } from '../domain/department.ts';
import { type Role, ROLES } from '../domain/operator.ts';
import { readSchedule, type Schedule } from '../domain/schedule.ts';
import { UsageError } from './exit.ts';

export interface OperatorFlags {
  readonly fullname?: string;
  readonly title?: string;
  readonly departments?: string;
  readonly langs?: string;
  readonly max_chats?: string;
  readonly roles?: string;
  readonly schedule?: string;
}

export interface DepartmentFlags {
  readonly name?: string;
  readonly mode?: string;
  readonly schedule?: string;
}

const MAX_PRIORITY = 1_000;

/** Only what was given. */
export function readOperatorFlags(flags: OperatorFlags): OperatorEdit {
  return {
    ...(flags.fullname === undefined ? {} : { fullname: readName('--fullname', flags.fullname) }),
    ...(flags.title === undefined ? {} : { title: cutText(flags.title, 200) }),
    ...(flags.departments === undefined ? {} : readDepartments(flags.departments)),
    ...(flags.langs === undefined ? {} : { langs: splitList(flags.langs) }),
    ...(flags.max_chats === undefined ? {} : { maxChats: readMaxChats(flags.max_chats) }),
    ...(flags.roles === undefined ? {} : { roles: splitList(flags.roles).map(readRole) }),
    ...(flags.schedule === undefined ? {} : { schedule: readScheduleFile(flags.schedule) }),
  };
}

/** Only what was given. */
export function readDepartmentFlags(flags: DepartmentFlags): DepartmentEdit {
  return {
    ...(flags.name === undefined ? {} : { name: readName('--name', flags.name) }),
    ...(flags.mode === undefined ? {} : { assignmentMode: readMode(flags.mode) }),
    ...(flags.schedule === undefined ? {} : { schedule: readScheduleFile(flags.schedule) }),
  };
}

/** `sales:5,support`: departments, with his priority in them where he has one. */
function readDepartments(text: string): Pick<OperatorEdit, 'departmentKeys' | 'priorities'> {
  const entries = splitList(text).map(entry => {
    const [key = '', priority, ...rest] = entry.split(':');
    const number = priority === undefined ? 0 : Number(priority);
    if (key === '' || rest.length > 0 || !Number.isInteger(number) || Math.abs(number) > MAX_PRIORITY)
      throw new UsageError(
        `--departments: '${entry}' must be a key, or key:priority with a priority from -${MAX_PRIORITY} to ${MAX_PRIORITY}`,
      );
    return { key, priority: number };
  });
  const priorities = Object.fromEntries(entries.filter(({ priority }) => priority !== 0).map(({ key, priority }) => [key, priority]));
  return { departmentKeys: entries.map(({ key }) => key), priorities };
}

/** `default`: max_chats_per_operator. */
function readMaxChats(text: string): number | null {
  if (text === 'default') return null;
  const maxChats = Number(text);
  if (text.trim() === '' || !Number.isInteger(maxChats) || maxChats < 0 || maxChats > 1_000)
    throw new UsageError('--max_chats must be an integer from 0 to 1000, or default');
  return maxChats;
}

function readRole(text: string): Role {
  const role = ROLES.find(known => known === text);
  if (role === undefined) throw new UsageError(`--roles: '${text}' must be one of ${ROLES.join(', ')}`);
  return role;
}

/** `default`: assignment_mode. */
function readMode(text: string): AssignmentMode | null {
  if (text === 'default') return null;
  const mode = ASSIGNMENT_MODES.find(known => known === text);
  if (mode === undefined) throw new UsageError(`--mode: '${text}' must be one of ${ASSIGNMENT_MODES.join(', ')}, default`);
  return mode;
}

/** A file with JSON (docs/assignment.md), or `none`. */
function readScheduleFile(file: string): Schedule | null {
  if (file === 'none') return null;
  try {
    return readSchedule(JSON.parse(readText(file)));
  } catch (error) {
    throw new UsageError(`--schedule ${file}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

function readName(flag: string, text: string): string {
  if (text.trim() === '' || text.length > 200) throw new UsageError(`${flag} must be 1 to 200 characters`);
  return text;
}

function splitList(value: string): string[] {
  return value
    .split(',')
    .map(entry => entry.trim())
    .filter(entry => entry !== '');
}
