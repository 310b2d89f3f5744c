"""What is shown to people, whoever shows it: numbers, lines, columns, where they are printed."""
