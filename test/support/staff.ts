/** Operators and departments as the commands of the binary make them, without a process for each. */
import { departmentAdd, operatorAdd } from '../../src/cli/staff.ts';
import type { OperatorFlags } from '../../src/cli/staff-flags.ts';
import { type Config, loadConfig } from '../../src/config/config.ts';
import type { Folder } from './process.ts';

/** By the main.ini of this folder. Returns the id. */
export function addOperator(folder: Folder, flags: OperatorFlags & { readonly login: string; readonly password: string }): Promise<number> {
  return operatorAdd(configOf(folder), flags);
}

export function addDepartment(folder: Folder, key: string, name: string): Promise<void> {
  return departmentAdd(configOf(folder), key, { name });
}

function configOf({ path }: Folder): Config {
  return loadConfig({ configFile: undefined, flags: {}, env: {}, cwd: path }).config;
}
