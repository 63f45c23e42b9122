/** A department: a group of operators that visitors can choose. */
export interface Department {
  readonly key: string;
  readonly id: number;
  readonly name: string;
  readonly order: number;
}
