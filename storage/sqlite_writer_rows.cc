// Changes of the small tables: users, channels, and what belongs to them.
#include "storage/sqlite_writer.h"

namespace txtchat::storage {

absl::Status SqliteWriter::PrepareRows() {
  return PrepareAll({
      {&put_user_,
       "INSERT INTO users(key, id, display_name, credential, kind, login, password_hash, subject) "
       "VALUES(?1,?2,?3,?4,?5,?6,?7,?8) ON CONFLICT(key) DO UPDATE SET id=?2, display_name=?3, "
       "credential=?4, kind=?5, login=?6, password_hash=?7, subject=?8"},
      {&rename_user_, "UPDATE users SET display_name=?2 WHERE key=?1"},
      {&delete_user_, "DELETE FROM users WHERE key=?1"},
      {&end_user_,
       "INSERT OR IGNORE INTO ended_users SELECT ?1 WHERE EXISTS(SELECT 1 FROM sends WHERE "
       "sender=?1)"},
      {&put_channel_,
       "INSERT INTO channels(key, id, display_name, create_time_ms, kind, first_kept, topic, "
       "direct_first, direct_second) VALUES(?1,?2,?3,?4,?5,1,?6,?7,?8)"},
      {&describe_channel_, "UPDATE channels SET display_name=?2, topic=?3 WHERE key=?1"},
      {&delete_channel_, "DELETE FROM channels WHERE key=?1"},
      {&end_channel_,
       "INSERT OR IGNORE INTO ended_channels SELECT ?1 WHERE EXISTS(SELECT 1 FROM events WHERE "
       "channel=?1)"},
      {&put_membership_,
       "INSERT INTO memberships(channel, user, role) VALUES(?1,?2,?3) ON CONFLICT(channel, user) "
       "DO UPDATE SET role=?3"},
      {&delete_membership_, "DELETE FROM memberships WHERE channel=?1 AND user=?2"},
      {&delete_memberships_, "DELETE FROM memberships WHERE channel=?1"},
      {&put_sanction_, "INSERT OR REPLACE INTO sanctions VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9)"},
      {&delete_sanction_, "DELETE FROM sanctions WHERE channel=?1 AND kind=?2 AND subject=?3"},
      {&delete_channel_sanctions_, "DELETE FROM sanctions WHERE channel=?1"},
      {&delete_user_sanctions_, "DELETE FROM sanctions WHERE user=?1"},
      {&put_token_, "INSERT OR REPLACE INTO tokens VALUES(?1,?2,?3,?4,?5,?6)"},
      {&delete_token_, "DELETE FROM tokens WHERE hash=?1"},
      {&delete_user_tokens_, "DELETE FROM tokens WHERE user=?1"},
      {&put_invite_, "INSERT OR REPLACE INTO invites VALUES(?1,?2,?3,?4,?5,?6)"},
      {&delete_invite_, "DELETE FROM invites WHERE hash=?1"},
      {&delete_channel_invites_, "DELETE FROM invites WHERE channel=?1"},
  });
}

// --- Users.

absl::Status SqliteWriter::ApplyOne(const PutUser& change, ChannelIndex&) {
  const UserRow& user = change.user;
  put_user_.BindNumber(1, user.key);
  put_user_.BindText(2, user.id);
  put_user_.BindText(3, user.display_name);
  if (user.credential.empty()) {
    put_user_.BindNull(4);
  } else {
    put_user_.BindBlob(4, user.credential);
  }
  put_user_.BindNumber(5, static_cast<std::uint64_t>(user.kind));
  put_user_.BindText(6, user.login);
  put_user_.BindBlob(7, user.password_hash);
  put_user_.BindText(8, user.subject);
  return put_user_.Run();
}

absl::Status SqliteWriter::ApplyOne(const RenameUser& change, ChannelIndex&) {
  rename_user_.BindNumber(1, change.user);
  rename_user_.BindText(2, change.display_name);
  return rename_user_.Run();
}

absl::Status SqliteWriter::ApplyOne(const DeleteUser& change, ChannelIndex&) {
  for (Statement* statement :
       {&delete_user_, &delete_user_tokens_, &delete_user_sanctions_, &end_user_}) {
    statement->BindNumber(1, change.user);
    if (absl::Status s = statement->Run(); !s.ok()) return s;
  }
  aftermath_.ended_delta += sqlite3_changes(database_->get());  // Of the last one.
  return absl::OkStatus();
}

absl::Status SqliteWriter::ApplyOne(const PutToken& change, ChannelIndex&) {
  const TokenRow& token = change.token;
  put_token_.BindBlob(1, token.hash);
  put_token_.BindText(2, token.id);
  put_token_.BindNumber(3, token.user);
  put_token_.BindText(4, token.label);
  put_token_.BindTime(5, token.create_time_unix_ms);
  put_token_.BindTime(6, token.expire_time_unix_ms);
  return put_token_.Run();
}

absl::Status SqliteWriter::ApplyOne(const DeleteToken& change, ChannelIndex&) {
  delete_token_.BindBlob(1, change.hash);
  return delete_token_.Run();
}

// --- Channels.

absl::Status SqliteWriter::ApplyOne(const PutChannel& change, ChannelIndex& index) {
  const ChannelRow& channel = change.channel;
  put_channel_.BindNumber(1, channel.key);
  put_channel_.BindText(2, channel.id);
  put_channel_.BindText(3, channel.display_name);
  put_channel_.BindTime(4, channel.create_time_unix_ms);
  put_channel_.BindNumber(5, static_cast<std::uint64_t>(channel.kind));
  put_channel_.BindText(6, channel.topic);
  put_channel_.BindNumber(7, channel.direct_first);
  put_channel_.BindNumber(8, channel.direct_second);
  if (absl::Status s = put_channel_.Run(); !s.ok()) return s;
  index.DraftNew(channel.key, channel.id);
  return absl::OkStatus();
}

absl::Status SqliteWriter::ApplyOne(const DescribeChannel& change, ChannelIndex&) {
  describe_channel_.BindNumber(1, change.channel);
  describe_channel_.BindText(2, change.display_name);
  describe_channel_.BindText(3, change.topic);
  return describe_channel_.Run();
}

absl::Status SqliteWriter::ApplyOne(const DeleteChannel& change, ChannelIndex& index) {
  for (Statement* statement : {&delete_channel_, &delete_memberships_, &delete_channel_sanctions_,
                               &delete_channel_invites_, &end_channel_}) {
    statement->BindNumber(1, change.channel);
    if (absl::Status s = statement->Run(); !s.ok()) return s;
  }
  aftermath_.ended_delta += sqlite3_changes(database_->get());  // Of the last one.
  index.DraftRemoval(change.channel);
  return absl::OkStatus();
}

absl::Status SqliteWriter::ApplyOne(const PutMembership& change, ChannelIndex&) {
  put_membership_.BindNumber(1, change.membership.channel);
  put_membership_.BindNumber(2, change.membership.user);
  put_membership_.BindNumber(3, static_cast<std::uint64_t>(change.membership.role));
  return put_membership_.Run();
}

absl::Status SqliteWriter::ApplyOne(const DeleteMembership& change, ChannelIndex&) {
  delete_membership_.BindNumber(1, change.membership.channel);
  delete_membership_.BindNumber(2, change.membership.user);
  return delete_membership_.Run();
}

absl::Status SqliteWriter::ApplyOne(const PutSanction& change, ChannelIndex&) {
  const SanctionRow& sanction = change.sanction;
  put_sanction_.BindNumber(1, sanction.channel);
  put_sanction_.BindNumber(2, static_cast<std::uint64_t>(sanction.kind));
  put_sanction_.BindText(3, sanction.subject);
  put_sanction_.BindText(4, sanction.subject_name);
  put_sanction_.BindNumber(5, sanction.user);
  put_sanction_.BindTime(6, sanction.until_unix_ms);
  put_sanction_.BindText(7, sanction.reason);
  put_sanction_.BindText(8, sanction.by_user_id);
  put_sanction_.BindTime(9, sanction.time_unix_ms);
  return put_sanction_.Run();
}

absl::Status SqliteWriter::ApplyOne(const DeleteSanction& change, ChannelIndex&) {
  delete_sanction_.BindNumber(1, change.channel);
  delete_sanction_.BindNumber(2, static_cast<std::uint64_t>(change.kind));
  delete_sanction_.BindText(3, change.subject);
  return delete_sanction_.Run();
}

absl::Status SqliteWriter::ApplyOne(const PutInvite& change, ChannelIndex&) {
  const InviteRow& invite = change.invite;
  put_invite_.BindBlob(1, invite.hash);
  put_invite_.BindText(2, invite.id);
  put_invite_.BindNumber(3, invite.channel);
  put_invite_.BindTime(4, invite.expire_time_unix_ms);
  put_invite_.BindNumber(5, invite.uses_left);
  put_invite_.BindText(6, invite.by_user_id);
  return put_invite_.Run();
}

absl::Status SqliteWriter::ApplyOne(const DeleteInvite& change, ChannelIndex&) {
  delete_invite_.BindBlob(1, change.hash);
  return delete_invite_.Run();
}

}  // namespace txtchat::storage
