/** In which language a page speaks: the first of the browser's wishes that we have. Each app has its words in a file per language. */
export const LANGUAGES = ['en', 'ru', 'zh'] as const;
export type Language = (typeof LANGUAGES)[number];

export function pickLanguage(wishes: readonly string[] = navigator.languages): Language {
  for (const wish of wishes) {
    const known = LANGUAGES.find(language => wish.toLowerCase().split('-')[0] === language);
    if (known !== undefined) return known;
  }
  return 'en';
}

/** By Intl.PluralRules: Russian needs one, few and many; Chinese only other. `#` stands for the number. */
export type PluralForms = Partial<Record<Intl.LDMLPluralRule, string>> & { readonly other: string };

export function plural(language: Language, count: number, forms: PluralForms): string {
  const form = forms[new Intl.PluralRules(language).select(count)] ?? forms.other;
  return form.replace('#', new Intl.NumberFormat(language).format(count));
}
