/** A dialog that asks the user to confirm an action. */
export interface Confirmation {
  readonly title: string;
  readonly text: string;
  /** The label of the button that confirms. */
  readonly label: string;
  /** Whether the action deletes something. Default: true. */
  readonly isDangerous?: boolean;
  /** The label of the other button. Default: "Cancel". */
  readonly cancelLabel?: string;
  readonly run: () => void;
}
