-- What changes by itself on a portal of NukeViet 4.5: visits, sessions, banners, polls, older texts.
-- Names and types of columns follow the same public files as nukeviet.sql, and
-- install/action_mysql.php and the modules banners and voting; no table but the sessions', which
-- lie in memory, is other than MyISAM.
CREATE TABLE nv4_counter (c_type varchar(100) NOT NULL, c_val varchar(100) NOT NULL, last_update int(11) NOT NULL DEFAULT 0, c_count int(11) unsigned NOT NULL DEFAULT 0, vi_count int(11) unsigned NOT NULL DEFAULT 0, UNIQUE KEY c_type (c_type, c_val));
CREATE TABLE nv4_sessions (session_id varchar(50) DEFAULT NULL, userid mediumint(8) unsigned NOT NULL DEFAULT 0, username varchar(100) NOT NULL, onl_time int(11) unsigned NOT NULL DEFAULT 0, UNIQUE KEY session_id (session_id), KEY onl_time (onl_time)) ENGINE=MEMORY;
CREATE TABLE nv4_logs (id int(11) PRIMARY KEY AUTO_INCREMENT, lang varchar(10) NOT NULL, module_name varchar(50) NOT NULL, name_key varchar(255) NOT NULL, note_action text NOT NULL, link_acess varchar(255) DEFAULT '', userid mediumint(8) unsigned NOT NULL, log_time int(11) NOT NULL);
CREATE TABLE nv4_banners_rows (id mediumint(8) unsigned PRIMARY KEY AUTO_INCREMENT, title varchar(255) NOT NULL, pid smallint(5) unsigned NOT NULL DEFAULT 0, file_name varchar(255) NOT NULL, file_ext varchar(100) NOT NULL, file_mime varchar(100) NOT NULL, file_alt varchar(255) DEFAULT '', click_url varchar(255) DEFAULT '', bannerhtml mediumtext NOT NULL DEFAULT '', add_time int(11) unsigned NOT NULL DEFAULT 0, publ_time int(11) unsigned NOT NULL DEFAULT 0, exp_time int(11) unsigned NOT NULL DEFAULT 0, hits_total mediumint(8) unsigned NOT NULL DEFAULT 0, act tinyint(1) unsigned NOT NULL DEFAULT 0, weight int(11) NOT NULL DEFAULT 0, KEY pid (pid));
CREATE TABLE nv4_banners_click (id int(11) unsigned PRIMARY KEY AUTO_INCREMENT, bid mediumint(8) NOT NULL DEFAULT 0, click_time int(11) unsigned NOT NULL DEFAULT 0, click_ip varchar(46) NOT NULL, click_ref varchar(255) NOT NULL, KEY bid (bid));
CREATE TABLE nv4_vi_voting (vid smallint(5) unsigned PRIMARY KEY AUTO_INCREMENT, question varchar(250) NOT NULL, link varchar(255) DEFAULT '', acceptcm int(2) NOT NULL DEFAULT 1, admin_id mediumint(8) unsigned NOT NULL DEFAULT 0, groups_view varchar(255) DEFAULT '', publ_time int(11) unsigned NOT NULL DEFAULT 0, exp_time int(11) unsigned NOT NULL DEFAULT 0, act tinyint(1) unsigned NOT NULL DEFAULT 0, UNIQUE KEY question (question));
CREATE TABLE nv4_vi_voting_rows (id mediumint(8) unsigned PRIMARY KEY AUTO_INCREMENT, vid smallint(5) unsigned NOT NULL, title varchar(245) NOT NULL DEFAULT '', url varchar(255) DEFAULT '', hitstotal int(11) unsigned NOT NULL DEFAULT 0, UNIQUE KEY vid (vid, title));
CREATE TABLE nv4_vi_news_row_histories (id int(11) unsigned PRIMARY KEY AUTO_INCREMENT, new_id int(11) unsigned NOT NULL DEFAULT 0, historytime int(11) unsigned NOT NULL DEFAULT 0, catid smallint(5) unsigned NOT NULL DEFAULT 0, admin_id mediumint(8) unsigned NOT NULL DEFAULT 0, title varchar(250) NOT NULL DEFAULT '', alias varchar(250) NOT NULL DEFAULT '', hometext text NOT NULL, bodyhtml longtext NOT NULL, changed_fields text NOT NULL DEFAULT '', KEY new_id (new_id));
ALTER TABLE nv4_vi_news_rows ADD hitstotal mediumint(8) unsigned NOT NULL DEFAULT 0;

INSERT INTO nv4_counter VALUES ('total', 'hits', 1790000000, 1204337, 1204337);
INSERT INTO nv4_banners_rows (title, pid, file_name, file_ext, file_mime, file_alt, click_url, act) VALUES
  ('Cải cách hành chính', 1, 'banner-1.svg', 'svg', 'image/svg+xml', 'Cải cách hành chính', 'https://dichvucong.example.vn', 1),
  ('Chuyển đổi số', 1, 'banner-2.svg', 'svg', 'image/svg+xml', 'Chuyển đổi số', 'https://so.example.vn', 1),
  ('Đường dây nóng', 1, 'banner-3.svg', 'svg', 'image/svg+xml', 'Đường dây nóng 1022', '', 1);
INSERT INTO nv4_vi_voting (question, act) VALUES ('Bạn biết cổng qua đâu?', 1), ('Ý kiến của bạn về dịch vụ công?', 1);
INSERT INTO nv4_vi_voting_rows (vid, title, hitstotal) VALUES (1, 'Báo chí', 12), (1, 'Bạn bè', 7), (2, 'Rất tốt', 40), (2, 'Cần nhanh hơn', 31);
INSERT INTO nv4_vi_news_rows (id, catid, title, alias, hometext, author, status, publtime, admin_id)
  SELECT 100 + seq, 1, CONCAT('Thông báo số ', seq, '/TB-UBND về lịch tiếp công dân 🏛️'), CONCAT('thong-bao-', seq),
    CONCAT('Lịch tiếp công dân của lãnh đạo tỉnh, kỳ ', seq, '.'), 'Ban Biên tập', 1, 1780000000 + seq * 3600, 1 FROM seq_1_to_60;
INSERT INTO nv4_vi_news_detail (id, bodyhtml, keywords, files)
  SELECT 100 + seq, CONCAT('<p>', REPEAT(CONCAT('Ủy ban nhân dân tỉnh thông báo lịch tiếp công dân định kỳ; nội dung “', seq, '”. '), 12), '</p>'),
    'tiếp công dân', '' FROM seq_1_to_60;
INSERT INTO nv4_vi_news_row_histories (new_id, historytime, catid, admin_id, title, alias, hometext, bodyhtml)
  SELECT id, 1790000100, catid, admin_id, title, alias, hometext, '<p>Bản trước khi sửa.</p>' FROM nv4_vi_news_rows WHERE id > 140;
INSERT INTO nv4_logs (lang, module_name, name_key, note_action, userid, log_time) VALUES ('vi', 'news', 'log_add_content', 'id 1', 1, 1790000000);
