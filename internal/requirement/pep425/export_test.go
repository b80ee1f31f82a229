package pep425

// List is the tags in their order, as pip writes them.
func (t *Tags) List() []string {
	list := make([]string, len(t.list))
	for i, supported := range t.list {
		list[i] = supported.interpreter + "-" + supported.abi + "-" + supported.platform
	}
	return list
}
