/** A department: a group of operators that visitors can choose. */
import type { Schedule } from './schedule.ts';

/** automatic: the master assigns, nobody helps himself · manual: operators take · mixed: both. */
export const ASSIGNMENT_MODES = ['automatic', 'manual', 'mixed'] as const;
export type AssignmentMode = (typeof ASSIGNMENT_MODES)[number];

export interface Department {
  readonly key: string;
  readonly id: number;
  readonly name: string;
  readonly order: number;
  /** null: assignment_mode of main.ini. */
  readonly assignmentMode: AssignmentMode | null;
  /** null: always open. */
  readonly schedule: Schedule | null;
}
