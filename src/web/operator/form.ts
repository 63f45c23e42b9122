/** What was filled in, as trimmed texts; '' for what is not there. */
export function readForm(form: HTMLFormElement): (name: string) => string {
  const fields = new FormData(form);
  return name => {
    const value = fields.get(name);
    return typeof value === 'string' ? value.trim() : '';
  };
}
