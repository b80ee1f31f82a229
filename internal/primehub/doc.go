// Package primehub is a client of PrimeHub's image management: its GraphQL API, the log endpoint, and the build life cycle behind them. What the platform is known to do is in
// CONTRACT.md. The package knows nothing of Terraform.
//
//	ParseSettings, ResolveSettings        ~/.primehub/config.json and the environment, by the SDK's precedence
//	New(Config) → *Client                 contacts nothing
//	Client.Me, Group, Groups              who the token belongs to; groups by name, for administrators and members
//	Client.Secret, Secrets                image pull secrets, by id or name
//	Client.Get, Refresh, Images           one image with its groups; the same for many, coalesced; search
//	CheckName, GenerateName               the platform's rules for names
//	Client.Create(Spec)                   system or group image, existing or built; then Image.Ref for AwaitBuild
//	Client.Update(name, Update)           always complete; first what the image is, then who may use it
//	Client.Rebuild(name, Recipe)          → BuildRef for AwaitBuild; after Update, never before
//	Client.CancelBuild, Delete            return when it is so
//	Client.AwaitBuild(BuildRef, observe)  → Image, or a typed outcome: *BuildFailedError, *BuildCancelledError, *BuildUnfinishedError, …
//	Image.Resume                          a build that somebody comes back to
//	Client.Claim, Settle                  a state has the image; Terraform has ended well: what it has created is not taken over
//	Client.Log                            the end of a build's log
//
// Build lists are split and checked by requirement.CheckEntries.
//
// Only a list makes an image missing ([ErrNotFound]). Questions are repeated where that may help; what changes something is sent once, and a lost answer is settled by looking.
package primehub
