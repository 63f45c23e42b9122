/** The questions that visitors are asked, as SDKs take them. */
import path from 'node:path';
import { z } from 'zod';
import { type Fault, whyUnreadable } from './fault.ts';
import { readText } from './text-file.ts';

const Question = z
  .strictObject({
    type: z.enum(['stars', 'radio', 'comment']),
    text: z.string().min(1).max(1_000),
    options: z.array(z.string().min(1).max(200)).min(1).max(50).optional(),
  })
  .refine(({ type, options }) => (type === 'radio') === (options !== undefined), 'options belong to a radio question, and to no other');

const File = z.strictObject({
  id: z.int().min(0),
  version: z.string().min(1).max(50),
  descriptor: z.strictObject({
    forms: z
      .array(z.strictObject({ id: z.int().min(0), questions: z.array(Question).min(1).max(50) }))
      .min(1)
      .max(20)
      .refine(forms => new Set(forms.map(form => form.id)).size === forms.length, 'forms must have ids of their own'),
  }),
});

export type SurveyFile = {
  readonly id: number;
  readonly version: string;
  readonly descriptor: {
    readonly forms: readonly {
      readonly id: number;
      readonly questions: readonly {
        readonly type: 'stars' | 'radio' | 'comment';
        readonly text: string;
        readonly options?: readonly string[];
      }[];
    }[];
  };
};

/** undefined when no file is named, or after a fault. */
export function readSurvey(file: string | undefined, folder: string, faults: Fault[]): SurveyFile | undefined {
  if (file === undefined) return undefined;
  let content: unknown;
  try {
    content = JSON.parse(readText(path.resolve(folder, file)));
  } catch (error) {
    faults.push({
      message: `survey_file: ${file} ${error instanceof SyntaxError ? `is no JSON: ${error.message}` : whyUnreadable(error)}`,
    });
    return undefined;
  }
  // As JSON writes it again: an escape of NUL, or of half a surrogate pair, which no database stores.
  if (/(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f]..)/.test(JSON.stringify(content)))
    faults.push({ message: `survey_file: ${file}: it holds a character that no text has (\\u0000, or half of a pair)` });
  const read = File.safeParse(content);
  if (read.success) return read.data as SurveyFile;
  for (const { path: place, message } of read.error.issues)
    faults.push({ message: `survey_file: ${file}: ${place.join('.')}: ${message}` });
  return undefined;
}
