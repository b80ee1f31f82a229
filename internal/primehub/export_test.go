package primehub

// ListLifetime is how old a list may be when something of it is handed out.
const ListLifetime = listLifetime

// Die is, for what this process has created under that name, the death of the process.
func (c *Client) Die(name string) { c.creations.Fail(c.creationOf(name)) }

// Diagnose says what a log tells about a failure.
var Diagnose = diagnose
