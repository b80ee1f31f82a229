package primehub

// Diagnose says what a log tells about a failure.
var Diagnose = diagnose
