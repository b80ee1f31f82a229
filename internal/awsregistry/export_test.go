package awsregistry

// Die does what the death of the client's process would do to what it was creating with that owner.
func (c *Client) Die(owner string) {
	c.debris.creations.Fail(c.debris.lifeline(owner))
	for inherited := range c.debris.inherited {
		c.debris.creations.Fail(c.debris.lifeline(inherited))
	}
}
