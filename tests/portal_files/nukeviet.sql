-- A portal on NukeViet 4.5, as far as its public schema matters here: names and types of columns
-- follow action_mysql.php of its modules news, contact, comment, users and of module-laws. What it
-- holds is invented. Moments: 1790000000 is 2026-09-21 14:13:20 in UTC.
CREATE TABLE nv4_config (lang varchar(3) NOT NULL, module varchar(50) NOT NULL, config_name varchar(30) NOT NULL, config_value text);
CREATE TABLE nv4_users (userid mediumint(8) unsigned PRIMARY KEY, username varchar(100) NOT NULL, password varchar(150) NOT NULL, email varchar(100) NOT NULL, first_name varchar(100) NOT NULL, last_name varchar(100) NOT NULL);
CREATE TABLE nv4_vi_modules (title varchar(50) PRIMARY KEY, module_file varchar(50) NOT NULL, module_data varchar(50) NOT NULL, module_upload varchar(50) NOT NULL, custom_title varchar(255) NOT NULL, groups_view varchar(255) NOT NULL, weight tinyint(3) unsigned NOT NULL, act tinyint(1) unsigned NOT NULL);
CREATE TABLE nv4_vi_comment (cid mediumint(8) unsigned PRIMARY KEY, module varchar(55) NOT NULL, area int(11) NOT NULL DEFAULT 0, id mediumint(8) unsigned NOT NULL, pid mediumint(8) unsigned NOT NULL DEFAULT 0, content text NOT NULL, attach varchar(255) NOT NULL DEFAULT '', post_time int(11) unsigned NOT NULL, userid mediumint(8) unsigned NOT NULL DEFAULT 0, post_name varchar(100) NOT NULL, post_email varchar(100) NOT NULL, post_ip varchar(39) NOT NULL DEFAULT '', status tinyint(1) unsigned NOT NULL);
CREATE TABLE nv4_vi_news_cat (catid smallint(5) unsigned PRIMARY KEY, title varchar(250) NOT NULL, alias varchar(250) NOT NULL, groups_view varchar(255) DEFAULT '', status smallint(4) NOT NULL DEFAULT 1);
CREATE TABLE nv4_vi_news_sources (sourceid mediumint(8) unsigned PRIMARY KEY, title varchar(250) NOT NULL, link varchar(255) DEFAULT '');
CREATE TABLE nv4_vi_news_rows (id int(11) unsigned PRIMARY KEY, catid smallint(5) unsigned NOT NULL DEFAULT 1, admin_id mediumint(8) unsigned NOT NULL DEFAULT 1, author varchar(250) DEFAULT '', sourceid mediumint(8) NOT NULL DEFAULT 0, addtime int(11) unsigned NOT NULL DEFAULT 1790000000, edittime int(11) unsigned NOT NULL DEFAULT 1790000000, status tinyint(4) NOT NULL DEFAULT 1, publtime int(11) unsigned NOT NULL DEFAULT 1790000000, exptime int(11) unsigned NOT NULL DEFAULT 0, title varchar(250) NOT NULL, alias varchar(250) NOT NULL DEFAULT '', hometext text NOT NULL, homeimgfile varchar(255) DEFAULT '');
CREATE TABLE nv4_vi_news_detail (id int(11) unsigned PRIMARY KEY, bodyhtml longtext NOT NULL, keywords varchar(255) DEFAULT '', sourcetext varchar(255) DEFAULT '', files text);
CREATE TABLE nv4_vi_news_authorlist (id int(11) NOT NULL, aid mediumint(8) NOT NULL, alias varchar(100) NOT NULL DEFAULT '', pseudonym varchar(100) NOT NULL);
CREATE TABLE nv4_vi_news_tags_id (id int(11) NOT NULL, tid mediumint(9) NOT NULL, keyword varchar(65) NOT NULL);
CREATE TABLE nv4_vi_laws_area (id smallint(4) unsigned PRIMARY KEY, title varchar(249) NOT NULL);
CREATE TABLE nv4_vi_laws_cat (id smallint(4) unsigned PRIMARY KEY, title varchar(249) NOT NULL);
CREATE TABLE nv4_vi_laws_subject (id smallint(4) unsigned PRIMARY KEY, title varchar(250) NOT NULL);
CREATE TABLE nv4_vi_laws_examine (id smallint(4) unsigned PRIMARY KEY, title varchar(250) NOT NULL);
CREATE TABLE nv4_vi_laws_signer (id smallint(4) unsigned PRIMARY KEY, title varchar(255) NOT NULL, offices varchar(255) NOT NULL DEFAULT '', positions varchar(255) NOT NULL DEFAULT '');
CREATE TABLE nv4_vi_laws_row_area (row_id int(10) unsigned NOT NULL, area_id smallint(4) unsigned NOT NULL);
CREATE TABLE nv4_vi_laws_set_replace (id mediumint(8) unsigned PRIMARY KEY AUTO_INCREMENT, oid mediumint(8) unsigned NOT NULL, nid mediumint(8) unsigned NOT NULL);
CREATE TABLE nv4_vi_laws_row (id int(10) PRIMARY KEY, title varchar(255) NOT NULL, alias varchar(255) NOT NULL, code varchar(50) NOT NULL DEFAULT '', cid smallint(4) unsigned NOT NULL DEFAULT 1, sid smallint(4) unsigned NOT NULL DEFAULT 1, eid smallint(4) unsigned NOT NULL DEFAULT 0, sgid smallint(4) unsigned NOT NULL DEFAULT 1, introtext text NOT NULL, bodytext text NOT NULL, keywords varchar(255) NOT NULL DEFAULT '', groups_view varchar(255) NOT NULL DEFAULT '6', groups_download varchar(255) NOT NULL DEFAULT '6', files mediumtext NOT NULL, status tinyint(1) NOT NULL DEFAULT 1, approval tinyint(1) NOT NULL DEFAULT 0, addtime int(11) NOT NULL DEFAULT 1790000000, edittime int(11) NOT NULL DEFAULT 1790000000, publtime int(11) NOT NULL DEFAULT 0, start_comm_time int(11), end_comm_time int(11), startvalid int(11) NOT NULL DEFAULT 0, exptime int(11) NOT NULL DEFAULT 0);
CREATE TABLE nv4_vi_about (id mediumint(8) unsigned PRIMARY KEY, title varchar(250) NOT NULL, alias varchar(250) NOT NULL, image varchar(255) DEFAULT '', imagealt varchar(255) DEFAULT '', description text, bodytext mediumtext NOT NULL, keywords text, admin_id mediumint(8) unsigned NOT NULL DEFAULT 1, add_time int(11) NOT NULL DEFAULT 1790000000, edit_time int(11) NOT NULL DEFAULT 1790000000, status tinyint(1) unsigned NOT NULL DEFAULT 1);
CREATE TABLE nv4_vi_about_config (config_name varchar(30) PRIMARY KEY, config_value varchar(255) NOT NULL);
CREATE TABLE nv4_vi_contact_department (id smallint(5) unsigned PRIMARY KEY, full_name varchar(250) NOT NULL);
CREATE TABLE nv4_vi_contact_send (id mediumint(8) unsigned PRIMARY KEY, cid smallint(5) unsigned NOT NULL DEFAULT 1, cat varchar(255) NOT NULL DEFAULT '', title varchar(255) NOT NULL, content text NOT NULL, send_time int(11) unsigned NOT NULL, sender_id mediumint(8) unsigned NOT NULL DEFAULT 0, sender_name varchar(100) NOT NULL, sender_address varchar(250) NOT NULL DEFAULT '', sender_email varchar(100) NOT NULL, sender_phone varchar(20) DEFAULT '', sender_ip varchar(39) NOT NULL DEFAULT '', is_read tinyint(1) unsigned NOT NULL DEFAULT 0, is_reply tinyint(1) unsigned NOT NULL DEFAULT 0, is_processed tinyint(1) unsigned NOT NULL DEFAULT 0, processed_by int(11) unsigned NOT NULL DEFAULT 0, processed_time int(11) unsigned NOT NULL DEFAULT 0);
CREATE TABLE nv4_vi_contact_reply (rid mediumint(8) unsigned PRIMARY KEY, id mediumint(8) unsigned NOT NULL, reply_content text, reply_time int(11) unsigned NOT NULL, reply_aid mediumint(8) unsigned NOT NULL);

INSERT INTO nv4_config VALUES ('sys', 'global', 'rewrite_enable', '1'), ('sys', 'global', 'rewrite_optional', '1'),
  ('sys', 'global', 'rewrite_op_mod', ''), ('sys', 'global', 'rewrite_exturl', '.html'), ('sys', 'global', 'rewrite_endurl', '/');
INSERT INTO nv4_users VALUES (1, 'bientap', 'x', 'bientap@example.vn', 'Hạnh', 'Nguyễn Thị');
INSERT INTO nv4_vi_modules VALUES ('tin-tuc', 'news', 'news', 'news', 'Tin tức', '6', 1, 1), ('van-ban', 'laws', 'laws', 'laws', 'Văn bản', '6', 2, 1),
  ('lien-he', 'contact', 'contact', 'contact', 'Liên hệ', '6', 3, 1), ('gioi-thieu', 'page', 'about', 'about', 'Giới thiệu', '6', 4, 1);
INSERT INTO nv4_vi_about (id, title, alias, image, imagealt, description, bodytext, keywords, status) VALUES
  (1, 'Cơ cấu tổ chức &amp; lãnh đạo', 'co-cau', 'so-do.png', 'Sơ đồ', 'Tóm tắt', '<p>Ủy ban nhân dân</p><img src="/uploads/about/tru-so.jpg">', 'cơ cấu, lãnh đạo', 1),
  (2, 'Đang soạn', 'dang-soan', '', '', '', '<p>Nháp</p>', '', 0);
INSERT INTO nv4_vi_news_cat VALUES (1, 'Thời sự', 'thoi-su', '6', 1), (2, 'Người phát ngôn', 'nguoi-phat-ngon', '6', 1), (3, 'Nội bộ', 'noi-bo', '4', 1);
INSERT INTO nv4_vi_news_sources VALUES (1, 'Báo Đồng Nai', 'https://baodongnai.example.vn'), (2, 'Bản tin nội bộ', '');
INSERT INTO nv4_vi_news_rows (id, catid, title, alias, hometext, author, homeimgfile, sourceid, status, publtime, exptime, admin_id) VALUES
  (1, 1, 'Tỉnh công bố quy hoạch &quot;đô thị sân bay&quot;', 'quy-hoach', 'Tóm tắt', '', '2026_09/anh.jpg', 0, 1, 1790000000, 0, 1),
  (2, 2, 'Thông tin báo chí', 'thong-tin-bao-chi', '', 'Lê Văn Tám', '', 0, 1, 1790000000, 0, 1),
  (3, 1, 'Đăng lại', 'dang-lai', '', 'PV', '', 1, 1, 1790000000, 0, 1),
  (4, 1, 'Theo nguồn không địa chỉ', 'theo-nguon', '', 'PV', '', 2, 1, 1790000000, 0, 1),
  (5, 1, 'Bản nháp', 'nhap', '', '', '', 0, 4, 1790000000, 0, 1), (6, 1, 'Hẹn giờ', 'hen-gio', '', '', '', 0, 2, 1999000000, 0, 1),
  (7, 1, 'Hẹn giờ, đã đánh dấu', 'hen-gio-2', '', '', '', 0, 1, 1999000000, 0, 1), (8, 3, 'Chỉ cho thành viên', 'noi-bo', '', '', '', 0, 1, 1790000000, 0, 1),
  (9, 1, 'Hết hạn đăng', 'het-han', '', 'PV', '', 0, 3, 1790000000, 1791000000, 1), (10, 1, 'Không tác giả', 'khong-tac-gia', '', '', '', 0, 1, 1790000000, 0, 77);
INSERT INTO nv4_vi_news_detail SELECT id, CONCAT('<p>Nội dung ', id, '</p><img src="/uploads/news/2026_09/trong-b%C3%A0i.png" /><a href="https://ngoai.example/x.pdf">x</a>'), 'quy hoạch, sân bay',
  IF(id = 3, 'https://baodongnai.example.vn/tin/7', ''), IF(id = 1, '2026_09/ban-do.pdf,../../../etc/passwd,https://ngoai.example/tep.pdf', '') FROM nv4_vi_news_rows;
INSERT INTO nv4_vi_news_authorlist VALUES (1, 1, 'hanh', 'Hồng Hạnh'), (1, 2, 'bao', 'Quốc Bảo');
INSERT INTO nv4_vi_news_tags_id VALUES (1, 1, 'đô thị'), (5, 1, 'nháp'), (10, 2, 'khác');
INSERT INTO nv4_vi_laws_area VALUES (1, 'Đất đai'), (2, 'Môi trường');
INSERT INTO nv4_vi_laws_cat VALUES (1, 'Quyết định');
INSERT INTO nv4_vi_laws_subject VALUES (1, 'Ủy ban nhân dân tỉnh'), (2, 'Bộ Nội vụ');
INSERT INTO nv4_vi_laws_examine VALUES (1, 'Sở Tư pháp');
INSERT INTO nv4_vi_laws_signer VALUES (1, 'Nguyễn Thành Trung', '', 'Chủ tịch');
-- Issued on 2026-09-21 in Việt Nam, in force ten days later.
INSERT INTO nv4_vi_laws_row (id, title, alias, code, sid, introtext, bodytext, files, publtime, startvalid, groups_view, groups_download, status) VALUES
  (1, 'Bảng giá đất', 'bang-gia-dat-1', '57/2026/QĐ-UBND', 1, 'Ban hành bảng giá đất', '<p>Điều 1.</p>', '2026/57-qd.pdf', 1789923600, 1790787600, '6', '6', 1),
  (2, 'Thông tư', 'thong-tu-2', '05/2025/TT-BNV', 2, 'Về lưu trữ', '<p>Điều 1.</p>', '', 1789923600, 1790787600, '5', '4', 1),
  (3, 'Cho thành viên', 'thanh-vien-3', '1', 1, '', '', 'mat.pdf', 0, 0, '4', '4', 1), (4, 'Ẩn', 'an-4', '2', 1, '', '', '', 0, 0, '6', '6', 0),
  (6, 'Bảng giá đất cũ', 'bang-gia-dat-6', '01/2020/QĐ-UBND', 1, 'Bảng giá cũ', '<p>Điều 1.</p>', '', 1580000000, 1580000000, '6', '4', 1);
INSERT INTO nv4_vi_laws_row (id, title, alias, introtext, bodytext, files, eid, sgid, approval, start_comm_time, end_comm_time) VALUES
  (7, 'Dự thảo quy chế', 'du-thao-7', 'Dự thảo', '<p>Điều 1.</p>', '2026/du-thao.docx', 1, 0, 1, 1790000000, 1791000000);
INSERT INTO nv4_vi_laws_row_area VALUES (1, 1), (1, 2);
INSERT INTO nv4_vi_laws_set_replace (oid, nid) VALUES (6, 1);
INSERT INTO nv4_vi_comment (cid, module, id, pid, content, attach, post_time, post_name, post_email, post_ip, status) VALUES
  (1, 'van-ban', 7, 0, 'Đề nghị bổ sung Điều 5', '2026/don.pdf', 1790100000, 'Võ Thị Lụa', 'lua@example.vn', '203.0.113.7', 1),
  (2, 'van-ban', 7, 1, 'Chưa duyệt: số điện thoại 0900', '', 1790200000, 'Đặng Hữu Phước', 'phuoc@example.vn', '203.0.113.8', 0),
  (3, 'tin-tuc', 1, 0, 'Hay quá', '', 1790100000, 'Bạn đọc', 'doc@example.vn', '203.0.113.9', 1), (4, 'tin-tuc', 1, 0, 'Thư rác', '', 1790100000, 'Rác', 'rac@example.vn', '203.0.113.9', 0);
INSERT INTO nv4_vi_contact_department VALUES (1, 'Văn phòng UBND tỉnh');
INSERT INTO nv4_vi_contact_send (id, title, content, send_time, sender_name, sender_address, sender_email, sender_phone, sender_ip, is_reply, is_processed, processed_time, cat) VALUES
  (1, 'Hỏi về lệ phí', 'Xin cho biết lệ phí chứng thực?', 1790000000, 'Trương Mỹ Ngọc', 'ấp Tân Lập', 'ngoc@example.vn', '0900000001', '203.0.113.1', 1, 1, 1790600000, 'Lệ phí'),
  (2, 'Đường hỏng', 'Đường ấp Suối Đá hỏng nặng.', 1790000000, 'Lê Văn Tám', '', 'tam@example.vn', '', '203.0.113.2', 0, 0, 0, '');
INSERT INTO nv4_vi_contact_reply VALUES (1, 1, '<p>Lệ phí 2.000 đồng một trang.</p>', 1790500000, 1);
