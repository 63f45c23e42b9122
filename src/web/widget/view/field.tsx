/** One field of a form about the visitor, which the browser knows how to fill and to check. */
import type { Field as FieldName } from '../options.ts';
import { useStore } from './context.ts';

const INPUTS = {
  name: { type: 'text', autoComplete: 'name' },
  email: { type: 'email', autoComplete: 'email' },
  phone: { type: 'tel', autoComplete: 'tel' },
} as const;

export function Field({ name, isRequired }: { readonly name: FieldName; readonly isRequired: boolean }) {
  const { words, conversation } = useStore();
  return (
    <label class="field">
      <span>{words[name]}</span>
      <input name={name} {...INPUTS[name]} required={isRequired} maxLength={200} defaultValue={conversation.value.fields[name] ?? ''} />
    </label>
  );
}

/** What was filled in. */
export function filledIn(form: HTMLFormElement): Record<string, string> {
  const filled: Record<string, string> = {};
  for (const [name, value] of new FormData(form)) if (typeof value === 'string' && value.trim() !== '') filled[name] = value.trim();
  return filled;
}
