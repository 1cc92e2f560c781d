package random

// Rounds is the bijection itself.
var Rounds = rounds
