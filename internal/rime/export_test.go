package rime

// FewReads is how many reads are made one by one before a list is begun.
const FewReads = fewReads

// WalkLifetime is how old what a walk has read may be when it is handed out.
const WalkLifetime = walkLifetime
