package primehub

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/managed-images/terraform-provider-rime/internal/primehub/wire"
)

// Account is who the API token belongs to.
type Account struct {
	ID       string
	Username string
	// Admin tells an administrator of the platform, who may do everything.
	Admin bool
	// Groups are those the account belongs to. The platform also says that there are none when it could not find out (CONTRACT §2.4).
	Groups []Group
}

// Administers tells whether the account may manage the images of the group.
func (a Account) Administers(group Group) bool {
	return a.Admin || slices.Contains(group.Admins, a.Username)
}

// Group is a group of users.
type Group struct {
	GroupRef
	DisplayName string
	// Admins are the usernames of the group's administrators.
	Admins []string
}

// GroupNotFoundError is a group that the caller cannot see. It is [ErrNotFound] only where that is certain: for administrators, who see all.
type GroupNotFoundError struct {
	Name string
	// Admin tells whether the caller sees all groups, or only those it belongs to.
	Admin bool
	// Visible are the names of the groups that the caller sees, sorted.
	Visible []string
}

// Certain tells that the caller cannot name the group. The platform also says that there are no groups when it could not find out (CONTRACT §2.4).
func (e *GroupNotFoundError) Certain() bool { return e.Admin || len(e.Visible) > 0 }

// Error implements error.
func (e *GroupNotFoundError) Error() string {
	switch {
	case e.Admin:
		return fmt.Sprintf("there is no group %q", e.Name)
	case len(e.Visible) == 0:
		return fmt.Sprintf("group %q is not among those of the API token's owner: the platform names none", e.Name)
	}
	return fmt.Sprintf("group %q is not among those of the API token's owner", e.Name)
}

// Unwrap makes it [ErrNotFound] where that is certain.
func (e *GroupNotFoundError) Unwrap() error {
	if e.Admin {
		return ErrNotFound
	}
	return nil
}

// visible leaves out the groups that the caller does not see, and so cannot name: an image that many read together is known to be theirs only by asking them
// ([Client.Refresh]), and one that is read by itself must not look different. The platform also says that there are none when it could not find out, so that nothing
// follows from that.
func (c *Client) visible(ctx context.Context, groups []GroupRef) ([]GroupRef, error) {
	if len(groups) == 0 {
		return groups, nil
	}
	account, err := c.Me(ctx)
	if err != nil || account.Admin || len(account.Groups) == 0 {
		return groups, err
	}
	return slices.DeleteFunc(groups, func(group GroupRef) bool {
		return !slices.ContainsFunc(account.Groups, func(mine Group) bool { return mine.ID == group.ID })
	}), nil
}

// Me tells who the API token belongs to. It is asked once, and again for a group that is not among the account's.
func (c *Client) Me(ctx context.Context) (Account, error) {
	known := func(account Account) bool { return account.Admin || len(account.Groups) > 0 }
	return c.account.get(known, func() (Account, error) {
		answer, err := wire.Me(ctx, c)
		switch {
		case err != nil:
			return Account{}, err
		case answer.Me == nil:
			return Account{}, &APIError{
				Operation: "Me", URL: c.origin, Kind: KindUnauthenticated,
				Message: "Keycloak does not know the user of the API token",
			}
		}
		account := Account{ID: answer.Me.Id, Username: answer.Me.Username, Admin: answer.Me.IsAdmin, Groups: decodeGroupList(answer.Me.EffectiveGroups)}
		return account, nil
	})
}

// Groups lists the groups that the caller sees, by name: all for an administrator, else those the caller belongs to.
func (c *Client) Groups(ctx context.Context) ([]Group, error) {
	account, err := c.Me(ctx)
	if err != nil {
		return nil, err
	}
	if !account.Admin {
		return account.Groups, nil
	}
	answer, err := wire.ListGroups(ctx, c, wire.GroupWhereInput{})
	if err != nil {
		return nil, err
	}
	return decodeGroupList(answer.Groups), nil
}

// Group finds a group by its exact name. One that cannot be seen is a [*GroupNotFoundError].
func (c *Client) Group(ctx context.Context, name string) (Group, error) {
	account, err := c.Me(ctx)
	if err != nil {
		return Group{}, err
	}
	named := func(group Group) bool { return group.Name == name }
	groups := account.Groups
	switch {
	case account.Admin:
		// An administrator need not belong to a group to see it (CONTRACT §3.1).
		answer, err := wire.ListGroups(ctx, c, wire.GroupWhereInput{NameContains: name})
		if err != nil {
			return Group{}, err
		}
		groups = decodeGroupList(answer.Groups)
	case !slices.ContainsFunc(groups, named):
		// The account may have been put into the group meanwhile, or its groups could not be found out before.
		c.account.forget()
		if account, err = c.Me(ctx); err != nil {
			return Group{}, err
		}
		groups = account.Groups
	}
	if i := slices.IndexFunc(groups, named); i >= 0 {
		return groups[i], nil
	}
	missing := &GroupNotFoundError{Name: name, Admin: account.Admin}
	if account.Admin {
		if groups, err = c.Groups(ctx); err != nil {
			return Group{}, err
		}
	}
	for _, group := range groups {
		missing.Visible = append(missing.Visible, group.Name)
	}
	return Group{}, missing
}

// groupsSeen is what the platform has said of its groups, or why it did not.
type groupsSeen struct {
	groups []Group
	err    error
}

// SeesGroup looks for a group by its exact name, as [Client.Group] does, for a caller who looks for many. It asks for all
// groups once, and again only for one that is not among them. Where it could not ask, it says so from then on at once.
func (c *Client) SeesGroup(ctx context.Context, name string) error {
	seen, ok := c.groups.get(ctx, func(ctx context.Context) (groupsSeen, error) {
		groups, err := c.Groups(ctx)
		return groupsSeen{groups, err}, context.Cause(ctx)
	})
	switch {
	case !ok:
		return context.Cause(ctx)
	case seen.err != nil:
		return seen.err
	case slices.ContainsFunc(seen.groups, func(group Group) bool { return group.Name == name }):
		return nil
	}
	_, err := c.Group(ctx, name) // it may have been made since
	return err
}

func decodeGroupList(list []wire.Group) []Group {
	groups := make([]Group, 0, len(list))
	for _, w := range list {
		group := Group{GroupRef: GroupRef{ID: w.Id, Name: w.Name}, DisplayName: w.DisplayName}
		for admin := range strings.SplitSeq(w.Admins, ",") {
			if admin = strings.TrimSpace(admin); admin != "" {
				group.Admins = append(group.Admins, admin)
			}
		}
		if group.Name != everyone {
			groups = append(groups, group)
		}
	}
	slices.SortFunc(groups, func(a, b Group) int { return strings.Compare(a.Name, b.Name) })
	return groups
}
