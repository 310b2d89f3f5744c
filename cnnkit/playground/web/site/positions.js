// Lines and columns of the analyser, which counts characters, as positions of the editor, which counts UTF-16.

/**
 * @param {import("@codemirror/state").Text} doc @param {number} line @param {number} column
 * @returns {number}
 */
export function positionOf(doc, line, column) {
  if (line > doc.lines) return doc.length;
  const { from, text } = doc.line(Math.max(line, 1));
  let offset = 0;
  for (let count = 1; count < column && offset < text.length; count += 1)
    offset += (text.codePointAt(offset) ?? 0) > 0xffff ? 2 : 1;
  return from + offset;
}

/**
 * Edits of the analyser as changes of the editor.
 * @param {import("@codemirror/state").Text} doc
 * @param {{line: number, column: number, end_line: number, end_column: number, text: string}[]} edits
 */
export function changesOf(doc, edits) {
  return edits.map((edit) => ({
    from: positionOf(doc, edit.line, edit.column),
    to: positionOf(doc, edit.end_line, edit.end_column),
    insert: edit.text,
  }));
}
