package resolve

// ResolveWithin is [Resolve] with so many rounds for the first search.
var ResolveWithin = resolveWithin
