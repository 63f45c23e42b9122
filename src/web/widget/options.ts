/** What the site asks for by data attributes of the script element (docs/widget.md). */
import { type Language, LANGUAGES, pickLanguage } from '../shared/language.ts';

/** Fields that a visitor can be asked for. */
export const FIELDS = ['name', 'email', 'phone'] as const;
export type Field = (typeof FIELDS)[number];

export interface Options {
  /** Where the script came from, which is where the chat is; without a slash at its end. */
  readonly server: string;
  readonly location: string;
  readonly language: Language;
  readonly isOpenAtFirst: boolean;
  readonly position: 'right' | 'left';
  /** A CSS colour; undefined: ours. */
  readonly color: string | undefined;
  readonly title: string | undefined;
  /** Asked for before the first message. */
  readonly prechat: readonly Field[];
  readonly choosesDepartment: boolean;
  /** Signed fields of the visitor, as JSON text. */
  readonly signedVisitor: string | undefined;
  readonly theme: 'auto' | 'light' | 'dark';
}

export function readOptions(script: { readonly src: string; readonly dataset: Readonly<Record<string, string | undefined>> }): Options {
  const { dataset } = script;
  const asked = (dataset['prechat'] ?? '').split(',').map(name => name.trim());
  return {
    server: new URL('.', script.src).href.slice(0, -1),
    location: dataset['location'] ?? 'default',
    language:
      LANGUAGES.find(language => language === dataset['lang']) ??
      pickLanguage([...(dataset['lang'] ?? '').split(','), ...navigator.languages]),
    isOpenAtFirst: isOn(dataset['open']),
    position: dataset['position'] === 'left' ? 'left' : 'right',
    color: dataset['color'],
    title: dataset['title'],
    prechat: FIELDS.filter(field => asked.includes(field)),
    choosesDepartment: dataset['departments'] === 'choose',
    signedVisitor: dataset['visitor'],
    theme: dataset['theme'] === 'light' || dataset['theme'] === 'dark' ? dataset['theme'] : 'auto',
  };
}

/** `data-open` and `data-open="true"`. */
function isOn(value: string | undefined): boolean {
  return value !== undefined && value !== 'false' && value !== '0';
}
